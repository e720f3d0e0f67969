#pragma once
// Unix listener and stream over any runtime: like TCP (tcp.hpp), with paths and abstract names.

#include "core/stream.hpp"
#include "core/stream_drain.hpp"
#include "core/stream_listener.hpp"
#include "core/unix_address.hpp"
#include "core/unix_path.hpp"

namespace reactorlab {

struct UnixStreamKind {
  using Address = UnixAddress;
  /// Descriptors or credentials that a peer sends along end a read early, and no second edge announces the rest.
  template <bool confined>
  using Drain = NoDrainMemory;
  static constexpr bool has_pairs = true;
  static void prepare_listener(int) noexcept {}
};

template <class Rt>
using BasicUnixStream = BasicStream<Rt, UnixStreamKind>;

/// Owns the file that binding to a path made: closing or destroying the listener removes it. A file that was there before is
/// never touched (EADDRINUSE), whether somebody listens there or not (decision 0012).
template <class Rt>
class BasicUnixListener : public BasicListener<Rt, UnixStreamKind> {
 public:
  struct Options {
    int backlog = 4096;  ///< a connect beyond it gets -EAGAIN
  };

  /// Throws std::system_error with cause and remedy (name in use, no permission, no directory).
  static BasicUnixListener bind(Rt& runtime, const UnixAddress& local) { return bind(runtime, local, Options{}); }
  static BasicUnixListener bind(Rt& runtime, const UnixAddress& local, Options options) {
    BasicUnixListener listener{runtime.ref()};
    UniqueFd fd = bound_socket(SOCK_STREAM, local);
    listener.path_ = BoundPath{local};
    listener.listen(std::move(fd), local, options.backlog);
    return listener;
  }

  void close() noexcept {
    path_.remove();
    BasicListener<Rt, UnixStreamKind>::close();
  }

 private:
  explicit BasicUnixListener(typename Rt::Ref ref) noexcept : BasicListener<Rt, UnixStreamKind>{std::move(ref)} {}

  BoundPath path_;
};

using UnixStream = BasicUnixStream<IRuntime>;
using UnixListener = BasicUnixListener<IRuntime>;

}  // namespace reactorlab
