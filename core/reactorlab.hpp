#pragma once
// Everything a user of the library needs.

#include "core/async_fd.hpp"
#include "core/channel.hpp"
#include "core/combinators.hpp"
#include "core/deadline_timer.hpp"
#include "core/event.hpp"
#include "core/runtime.hpp"
#include "core/tcp.hpp"
#include "core/time.hpp"
#include "core/udp.hpp"
#include "core/unix_datagram.hpp"
#include "core/unix_stream.hpp"
