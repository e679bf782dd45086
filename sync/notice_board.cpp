#include "sync/notice_board.hpp"

#include <utility>

namespace tapd::sync {

std::vector<Notice> NoticeBoard::take() {
  return std::exchange(notices_, {});
}

void NoticeBoard::reachable() {
  if (std::exchange(reachable_, true) != true) tell(ServerReachable{});
}

void NoticeBoard::unreachable(const std::string& why, std::chrono::milliseconds next_try) {
  if (std::exchange(reachable_, false) != false) tell(ServerUnreachable{why, next_try});
}

void NoticeBoard::token_refused(const std::string& endpoint, const std::string& what) {
  if (without_token_.empty()) tell(TokenRefused{what});
  without_token_.insert(endpoint);
}

void NoticeBoard::nonsense(const std::string& endpoint, const std::string& why) {
  if (nonsensical_.insert(endpoint).second) tell(Nonsense{endpoint, why});
}

void NoticeBoard::books_trouble(const char* work, const std::string& what) {
  if (troubled_books_.insert(work).second) tell(BooksTrouble{std::string{work} + ": " + what});
}

void NoticeBoard::emergency_stop(bool on) {
  if (std::exchange(stopped_, on) != on) tell(EmergencyStop{on});
}

}  // namespace tapd::sync
