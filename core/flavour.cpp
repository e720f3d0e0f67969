#include "core/flavour.hpp"

namespace reactorlab {

#if REACTORLAB_INSTRUMENTED
const char flavour_instrumented = 'i';
#else
const char flavour_shipped = 's';
#endif

}  // namespace reactorlab
