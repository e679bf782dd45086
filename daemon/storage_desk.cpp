#include "daemon/storage_desk.hpp"

#include <chrono>

namespace tapd {
namespace {

/// Half of the API's threads.
constexpr int seats = 2;
/// A disk that is well is done with two others by then.
constexpr std::chrono::milliseconds patience{100};

}  // namespace

bool StorageDesk::take_seat() {
  std::unique_lock lock{mutex_};
  if (!free_.wait_for(lock, patience, [this] { return taken_ < seats; })) return false;
  ++taken_;
  return true;
}

void StorageDesk::leave_seat() {
  {
    const std::scoped_lock lock{mutex_};
    --taken_;
  }
  free_.notify_one();
}

storage::Error StorageDesk::no_seat() {
  return {storage::Error::Kind::refused,
          "others wait for the disk already, which is slow: ask again in a moment"};
}

}  // namespace tapd
