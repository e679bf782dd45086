#include "far_link.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <deque>
#include <list>
#include <stdexcept>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tapd::bench {
namespace {

using Clock = std::chrono::steady_clock;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// One direction of a connection: what was read and when it may be written.
struct Way {
  struct Chunk {
    Clock::time_point due;
    std::string bytes;
  };
  int from{-1};
  int to{-1};
  std::deque<Chunk> chunks;
  bool ended{false};
};

struct Pair {
  Way out;
  Way back;
  bool dead{false};
};

void put_all(int socket, std::string_view bytes, bool& dead) {
  while (!bytes.empty() && !dead) {
    const ssize_t put = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put <= 0) {
      dead = true;
    } else {
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
  }
}

void no_delay(int socket) {
  const int yes = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

}  // namespace

FarLink::FarLink(int server_port, LinkFaults faults)
    : server_port_{server_port},
      faults_{faults},
      listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (listener_ < 0 || ::bind(listener_, std::bit_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, std::bit_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error{"the far link cannot listen"};
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread{[this] { serve(); }};
}

FarLink::~FarLink() {
  stop_ = true;
  thread_.join();
  ::close(listener_);
}

std::string FarLink::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

// What was lost is missed within a round trip and sent again, all of it together; of that, too,
// some is lost.
std::chrono::milliseconds FarLink::delay_of(std::size_t bytes, sync::test::Dice& dice) {
  auto delay = faults_.one_way;
  std::size_t sent = (bytes + faults_.segment - 1) / faults_.segment;
  while (sent > 0) {
    std::size_t lost = 0;
    for (std::size_t i = 0; i < sent; ++i) lost += dice.chance(faults_.lost_per_thousand) ? 1U : 0U;
    if (lost > 0) delay += 2 * faults_.one_way;
    resends_ += static_cast<int>(lost);
    sent = lost;
  }
  return delay;
}

void FarLink::serve() {
  std::list<Pair> pairs;
  sync::test::Dice dice{2026};
  const auto read_way = [&](Pair& pair, Way& way) {
    std::array<char, 16'384> buffer{};
    const ssize_t got = ::recv(way.from, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0) return;
    if (got == 0) {
      way.ended = true;
      return;
    }
    if (dice.chance(faults_.cut_per_thousand)) {
      ++cuts_;
      pair.dead = true;
      return;
    }
    auto due = Clock::now() + delay_of(static_cast<std::size_t>(got), dice);
    // What follows a lost packet waits behind it.
    if (!way.chunks.empty()) due = std::max(due, way.chunks.back().due);
    way.chunks.push_back({due, std::string{buffer.data(), static_cast<std::size_t>(got)}});
  };
  const auto write_way = [](Pair& pair, Way& way) {
    while (!way.chunks.empty() && way.chunks.front().due <= Clock::now() && !pair.dead) {
      put_all(way.to, way.chunks.front().bytes, pair.dead);
      way.chunks.pop_front();
    }
    if (way.ended && way.chunks.empty()) pair.dead = true;
  };
  while (!stop_) {
    std::vector<pollfd> all{{listener_, POLLIN, 0}};
    for (const Pair& pair : pairs) {
      if (!pair.out.ended) all.push_back({pair.out.from, POLLIN, 0});
      if (!pair.back.ended) all.push_back({pair.back.from, POLLIN, 0});
    }
    ::poll(all.data(), all.size(), 1);
    if ((all[0].revents & POLLIN) != 0) {
      const int near = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      const int far = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in address = loopback(server_port_);
      if (::connect(far, std::bit_cast<sockaddr*>(&address), sizeof address) == 0) {
        no_delay(near);
        no_delay(far);
        pairs.push_back({.out = {near, far, {}, false}, .back = {far, near, {}, false}});
      } else {
        ::close(near);
        ::close(far);
      }
    }
    for (Pair& pair : pairs) {
      read_way(pair, pair.out);
      read_way(pair, pair.back);
      write_way(pair, pair.out);
      write_way(pair, pair.back);
      if (!pair.dead) continue;
      ::close(pair.out.from);
      ::close(pair.out.to);
    }
    pairs.remove_if([](const Pair& pair) { return pair.dead; });
  }
  for (const Pair& pair : pairs) {
    ::close(pair.out.from);
    ::close(pair.out.to);
  }
}

}  // namespace tapd::bench
