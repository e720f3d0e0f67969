#pragma once
// A fuzz target is one .cpp that defines run(). main.cpp makes a libFuzzer binary of it.

#include <cstdint>
#include <span>

namespace reactorlab::fuzz {

/// Does what the bytes say and aborts if anything is wrong. The same bytes do the same, whatever ran before.
void run(std::span<const std::uint8_t> bytes);

}  // namespace reactorlab::fuzz
