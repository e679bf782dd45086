// Lines that were not there when tapd started, and come later.
#include "drivers/late_lines.hpp"

#include <stdexcept>

#include <catch2/catch_test_macros.hpp>

#include "drivers/line_valve.hpp"
#include "fake_output.hpp"

namespace tapd::drivers {
namespace {

constexpr const char* away = "GPIO22 is on none of the GPIO chips";
constexpr const char* taken = "GPIO22 is in use";

/// A chip that is plugged in when the test says so.
struct Socket {
  std::shared_ptr<test::Wire> wire = std::make_shared<test::Wire>();
  std::string trouble{away};

  std::unique_ptr<OutputLine> open() const {
    if (!trouble.empty()) throw std::runtime_error{trouble};
    return std::make_unique<test::FakeOutput>(wire);
  }
};

class CountingMeter final : public FlowMeter {
 public:
  int descriptor() const override { return 7; }
  MeterReading read(SinceBoot) override { return {.edges = 3, .last_edge = {}, .fault = {}}; }
  tl::expected<void, std::string> listen(bool) override { return {}; }
  std::string describe() const override { return "GPIO17 of a test"; }
};

TEST_CASE("a valve whose line is missing tells why, and obeys when it was taken later", "[late]") {
  Socket socket;
  LineValve valve{
      std::make_unique<LateOutput>("GPIO22", socket.trouble, [&] { return socket.open(); })};
  CHECK(valve.describe() == "GPIO22 (not taken yet)");
  CHECK(valve.shut().error() == away);
  CHECK(valve.open().error().find(away) == 0);
  socket.trouble = taken;
  CHECK(valve.retake().error() == taken);
  CHECK(valve.shut().error() == taken);
  CHECK(socket.wire->history.empty());
  socket.trouble.clear();
  REQUIRE(valve.retake());
  CHECK(valve.describe() == "GPIO22 of a test");
  CHECK(valve.open());
  CHECK(socket.wire->on);
  // From here on it is as good as any: taken anew, it is the line's own affair.
  socket.wire->lost = true;
  CHECK_FALSE(valve.shut());
  REQUIRE(valve.retake());
  CHECK_FALSE(socket.wire->on);
}

TEST_CASE("a meter whose line is missing is a fault, and counts when it was taken later",
          "[late]") {
  std::string trouble = away;
  LateFlowMeter meter{"GPIO17", trouble, [&]() -> std::unique_ptr<FlowMeter> {
                        if (!trouble.empty()) throw std::runtime_error{trouble};
                        return std::make_unique<CountingMeter>();
                      }};
  CHECK(meter.descriptor() == -1);
  CHECK(meter.read({}).fault == away);
  CHECK(meter.listen(false));
  trouble = taken;
  CHECK(meter.listen(true).error() == taken);
  CHECK(meter.read({}).fault == taken);
  trouble.clear();
  REQUIRE(meter.listen(true));
  CHECK(meter.descriptor() == 7);
  CHECK(meter.read({}).edges == 3);
  CHECK(meter.read({}).fault.empty());
  CHECK(meter.describe() == "GPIO17 of a test");
}

}  // namespace
}  // namespace tapd::drivers
