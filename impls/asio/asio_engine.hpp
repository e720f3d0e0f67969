#pragma once

#include "harness/engine.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace reactorlab::asio_peer {

/// Asio in its usual shape: one io_context, run by as many threads as asked, on the backend that this was compiled for.
class AsioEngine : public Engine {
 public:
  /// All but `name` have to outlive it.
  AsioEngine(std::string name, std::string_view summary, std::string_view backend)
      : name_(std::move(name)), summary_(summary), backend_(backend) {}

  [[nodiscard]] EngineInfo info() const override;
  ServeReport serve(const ServeRequest& request) override;
  InProcessReport run_in_process(const InProcessRequest& request) override;

 private:
  const std::string name_;
  const std::string_view summary_, backend_;
};

}  // namespace reactorlab::asio_peer
