#include "harness/bench/verbs.hpp"

int main(int argc, char** argv) { return reactorlab::bench::run_program(argc, argv); }
