#pragma once
// What every example shares: the option --impl, and how a program reports what went wrong. Nothing here is about
// reactors.

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "core/reactorlab.hpp"

namespace examples {

/// A command line with --impl on it; add your own options before run().
class CommandLine {
 public:
  explicit CommandLine(const std::string& purpose) : app{purpose} {
    const auto names = reactorlab::runtime_names();
    app.add_option("--impl", impl_, "where the reactor lives: a folder of impls/")
        ->capture_default_str()
        ->check(CLI::IsMember(std::vector<std::string>(names.begin(), names.end())));
  }

  /// Makes the runtime and calls body(runtime), whose result is the exit status; 1 after an exception, 2 for a wrong
  /// option.
  template <class Body>
  int run(int argc, char** argv, Body body) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);  // a line is seen as soon as it is written, through a pipe as well
    try {
      app.parse(argc, argv);
      const auto runtime = reactorlab::make_runtime(impl_);
      return body(*runtime);
    } catch (const CLI::ParseError& error) {
      return app.exit(error) == 0 ? 0 : 2;
    } catch (const std::exception& error) {
      fmt::print(stderr, "{}: {}\n", argv[0], error.what());
      return 1;
    }
  }

  CLI::App app;

 private:
  std::string impl_ = "thread_local";
};

}  // namespace examples
