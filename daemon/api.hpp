// The local API behind the Unix socket: what tapctl, a screen and a technician ask of a running
// tapd. It answers with JSON; every answer that is not 200 carries {"error": words}.
//
//   GET  /status          taps, sessions, queue, owed, server, clock, disk
//   GET  /stream          each change of a tap's state as a line, see state_stream.hpp
//   GET  /pours, GET /queue, POST /queue/retry, POST /queue/park   see pours_api.hpp
//   GET  /verify, /owed, /backup   the books, see books_api.hpp
//   POST /service, /service/end, /clear, /lock, /unlock, /calibration, /selftest/kill   see
//                         staff_api.hpp
//   GET  /cards, /meter   what readers and meters give, see watch_api.hpp
//   GET  /explain         see explain_api.hpp
//   GET  /metrics         counts for Prometheus, as text
//   POST /sim             one command of the simulated bar, as text
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemon/books_api.hpp"
#include "daemon/control_loop.hpp"
#include "daemon/doctor.hpp"
#include "daemon/explain_api.hpp"
#include "daemon/http_server.hpp"
#include "daemon/pours_api.hpp"
#include "daemon/staff_api.hpp"
#include "daemon/storage_desk.hpp"
#include "daemon/watch_api.hpp"
#include "drivers/card_reader.hpp"

#include <tl/expected.hpp>

namespace tapd {

/// What the API needs of the program.
struct ApiPorts {
  ControlInbox* control{nullptr};
  StorageDesk* storage{nullptr};
  BooksApiPorts books;
  PoursApiPorts pours;
  StaffApiPorts staff;
  ExplainPorts explain;
  WatchPorts watch;
  /// A client begins to listen to the taps' states.
  std::function<StreamSource()> listen;
  /// Carries out a command of the simulated bar; null when no tap is simulated.
  std::function<tl::expected<void, std::string>(const std::string&)> simulate;
  /// How the readers have been doing, in the order of the taps. Empty: not told.
  std::function<std::vector<drivers::ReaderHealth>()> readers;
  /// Clock and disk, in the doctor's words.
  std::function<BoardHealth()> board;
  /// Prometheus' text, or why there is none now.
  std::function<tl::expected<std::string, std::string>()> metrics;
  /// Why no server is asked at all; empty when one is.
  std::string no_server;
  std::string controller_id;
  std::string version;
};

class Api {
 public:
  explicit Api(ApiPorts ports);
  /// Answers one request. Waits for the control or the storage thread, at most a second or two.
  [[nodiscard]] ApiResponse operator()(const ApiRequest& request) const;

 private:
  [[nodiscard]] ApiResponse status() const;
  [[nodiscard]] ApiResponse simulate(const ApiRequest& request) const;

  ApiPorts ports_;
};

}  // namespace tapd
