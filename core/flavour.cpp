#include "core/flavour.hpp"

namespace reactorlab {

#if REACTORLAB_SIMULATED
const char flavour_simulated = 'm';
#elif REACTORLAB_INSTRUMENTED
const char flavour_instrumented = 'i';
#else
const char flavour_shipped = 's';
#endif

}  // namespace reactorlab
