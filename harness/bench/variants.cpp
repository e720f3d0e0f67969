// The variants as engines: each home's static form behind the scenario that the kit has proven.

#include <cstdio>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/runtime.hpp"
#include "harness/bench/attentive_listener.hpp"
#include "harness/bench/registry.hpp"
#include "harness/bench/variants_in_process.hpp"
#include "harness/scenarios/echo_services.hpp"
#include "reactorlab/homes.hpp"

namespace reactorlab::bench {
namespace {

constexpr Duration drain_time = std::chrono::milliseconds{20};  // idle connections never end by themselves

const HomeDescription& description_of(std::string_view name) {
  return with_runtime_type(name, {}, [](auto type) -> const HomeDescription& { return decltype(type)::type::description; });
}

Locking locking_of(const std::string& name) { return name == "fine" ? Locking::fine : Locking::coarse; }

// Ablations that change how the server is compiled; the others are the runtime's (core/ablation.hpp).
constexpr std::string_view virtual_dispatch = "virtual_dispatch", always_attempt = "always_attempt";
bool compiled_otherwise(std::string_view ablation) { return ablation == virtual_dispatch || ablation == always_attempt; }

/// Throws UsageError for what is no ablation.
Ablation runtime_ablation(const std::string& name) {
  if (name.empty() || compiled_otherwise(name)) return Ablation::none;
  if (const auto ablation = ablation_named(name)) return *ablation;
  throw UsageError{"there is no ablation '" + name + "' (remedy: `bench list` names them)"};
}

void add(ServeReport& total, const ServeReport& part) {
  total.connections += part.connections;
  for (const auto& [name, value] : part.counters) total.counters[name] += value;
}

template <class Rt>
void serve_unix(Rt& runtime, const ServeRequest& request, scenarios::EchoCounts& counts) {
  auto listener = BasicUnixListener<Rt>::bind(runtime, UnixAddress::path(request.path), {.backlog = request.backlog});
  const auto session = [](BasicUnixStream<Rt> stream) { return scenarios::echo_session<Rt>(std::move(stream)); };
  runtime.spawn(scenarios::accept_sessions(runtime, std::move(listener), counts, session)).detach();
}

/// -> the port
template <class Rt>
std::uint16_t serve_udp(Rt& runtime, std::uint16_t port) {
  auto socket = BasicUdpSocket<Rt>::bind(runtime, SocketAddress::loopback(port));
  const std::uint16_t bound = socket.local_address().port();
  runtime.spawn(scenarios::udp_echo<Rt>(std::move(socket))).detach();
  return bound;
}

/// -> the port
template <class Listener, class Rt>
std::uint16_t serve_tcp(Rt& runtime, const ServeRequest& request, std::uint16_t port, bool reuse_port,
                        scenarios::EchoCounts& counts) {
  using Stream = typename Listener::Stream;
  auto listener = Listener::bind(runtime, SocketAddress::loopback(port), {.backlog = request.backlog, .reuse_port = reuse_port});
  const std::uint16_t bound = listener.local_address().port();
  const auto spawn_with = [&](auto session) {
    runtime.spawn(scenarios::accept_sessions(runtime, std::move(listener), counts, session)).detach();
  };
  if (request.proto == "echo_timeout")
    spawn_with([&runtime](Stream stream) { return scenarios::timed_session<Rt>(runtime, std::move(stream)); });
  else if (work::requests_ask)
    spawn_with([](Stream stream) { return scenarios::work_session(std::move(stream)); });
  else if (request.spin_per_mib != 0)
    spawn_with([&counts](Stream stream) { return scenarios::spinning_echo_session<Rt>(std::move(stream), counts.spin); });
  else
    spawn_with([](Stream stream) { return scenarios::echo_session<Rt>(std::move(stream)); });
  return bound;
}

/// One listener, until the stop descriptor is readable.
template <class Listener, class Rt, class Ready>
ServeReport serve_on(Rt& runtime, const ServeRequest& request, std::uint16_t port, bool reuse_port, Ready&& on_ready) {
  scenarios::EchoCounts counts{.connections = 0, .spin = {.per_mib = request.spin_per_mib}};
  std::uint16_t bound = 0;
  if (request.proto == "unix_echo")
    serve_unix(runtime, request, counts);
  else if (request.proto == "udp_echo")
    bound = serve_udp(runtime, port);
  else
    bound = serve_tcp<Listener>(runtime, request, port, reuse_port, counts);
  on_ready(bound);
  runtime.block_on(scenarios::until_readable<Rt>(runtime, request.stop_fd));
  runtime.shutdown(drain_time);
  ServeReport report{.connections = counts.connections, .counters = counters_of(runtime.stats())};
  if (request.spin_per_mib != 0) report.counters["spin_iterations"] = counts.spin.iterations.load();
  return report;
}

/// `with_runtime(use)` calls use(runtime) with a new one. Confined runtimes, one per thread, share the port by SO_REUSEPORT.
template <class Listener, class WithRuntime>
ServeReport serve_per_thread(const WithRuntime& with_runtime, const ServeRequest& request) {
  const auto serve_one = [&](std::uint16_t port, bool reuse_port, const auto& on_ready) {
    return with_runtime([&](auto& runtime) { return serve_on<Listener>(runtime, request, port, reuse_port, on_ready); });
  };
  std::vector<ServeReport> reports(request.workers);
  std::vector<std::thread> others;
  reports[0] = serve_one(request.port, request.workers > 1, [&](std::uint16_t port) {
    for (unsigned i = 1; i < request.workers; ++i) {
      others.emplace_back([&, i, port] { reports[i] = serve_one(port, true, [](std::uint16_t) {}); });
    }
    if (request.on_ready) request.on_ready(port);
  });
  ServeReport total;
  for (std::thread& thread : others) thread.join();
  for (const ServeReport& report : reports) add(total, report);
  return total;
}

template <class Listener, class WithRuntime>
ServeReport serve_with(const WithRuntime& with_runtime, bool per_thread, const ServeRequest& request) {
  if (per_thread) return serve_per_thread<Listener>(with_runtime, request);
  return with_runtime([&](auto& runtime) { return serve_on<Listener>(runtime, request, request.port, false, request.on_ready); });
}

/// oncelock_global: the first runtime decides for the whole process.
void require_choice_of_process(const RuntimeOptions& options) {
  static const RuntimeOptions first = options;
  if (options.locking != first.locking || options.ablation != first.ablation)
    throw NotApplicable{"one reactor per process, and this process's has another locking or ablation: run it alone"};
}

/// Empty: the first of info().backends. Throws NotApplicable with cause and remedy if this machine doesn't have it.
Backend backend_of(std::string_view name) {
  const Backend backend = backend_named(name).value_or(Backend::epoll);
  if (const auto reason = why_unavailable(backend)) throw NotApplicable{*reason};
  return backend;
}

class VariantEngine final : public Engine {
 public:
  explicit VariantEngine(std::string_view name) : name_{name} {}

  EngineInfo info() const override {
    const HomeDescription& home = description_of(name_);
    EngineInfo info{.summary = home.summary, .backends = {"epoll", "uring_poll", "uring"}, .max_workers = 0};
    if (home.capabilities.locking_choice) info.lockings = {"coarse", "fine"};
    return info;
  }

  std::optional<std::string> refusal_of(std::string_view) const override { return std::nullopt; }

  ServeReport serve(const ServeRequest& request) override {
    RuntimeOptions options{.backend = backend_of(request.backend),
                           .locking = locking_of(request.locking),
                           .ablation = runtime_ablation(request.ablation)};
    return with_runtime_type(name_, options, [&](auto type) {
      using Rt = typename decltype(type)::type;
      const bool tcp = request.proto.starts_with("echo");
      if (!Rt::description.capabilities.migration && request.workers > 1 && !tcp)
        throw NotApplicable{"only TCP listeners can share an address, so one worker serves " + request.proto};
      const bool per_thread = !Rt::description.capabilities.migration;
      if (!per_thread) options.workers = request.workers;
      if (request.ablation == virtual_dispatch) {
        const auto with_virtual = [&](auto&& use) {
          const auto runtime = make_runtime(name_, options);
          return use(*runtime);
        };
        return serve_with<TcpListener>(with_virtual, per_thread, request);
      }
      const auto with_static = [&](auto&& use) {
        Rt runtime{options};
        return use(runtime);
      };
      if (request.ablation == always_attempt) return serve_with<AttentiveTcpListener<Rt>>(with_static, per_thread, request);
      return serve_with<BasicTcpListener<Rt>>(with_static, per_thread, request);
    });
  }

  InProcessReport run_in_process(const InProcessRequest& request) override {
    if (compiled_otherwise(request.ablation)) throw NotApplicable{request.ablation + " is compiled for servers only"};
    const RuntimeOptions options{.workers = request.workers,
                                 .backend = backend_of(request.backend),
                                 .locking = locking_of(request.locking),
                                 .ablation = runtime_ablation(request.ablation)};
    if (!description_of(name_).capabilities.migration && request.workers > 1)
      throw NotApplicable{"one runtime has one worker here: more of them share nothing but the process"};
    if (name_ == "oncelock_global") require_choice_of_process(options);
    return run_variant_in_process(name_, options, request);
  }

 private:
  std::string_view name_;
};

}  // namespace

std::vector<Impl> variant_impls() {
  std::vector<Impl> all;
  for (const std::string_view name : runtime_names()) {
    all.push_back({std::string{name}, ImplKind::Variant, VariantEngine{name}.info(),
                   [name] { return std::make_unique<VariantEngine>(name); }});
  }
  return all;
}

}  // namespace reactorlab::bench
