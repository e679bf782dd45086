// tapd-demo: four taps, a dozen guests, a venue server that dies and a tapd that is killed, and the
// books at the end, in about a minute.
//
// Exit codes: 0 every book agrees; 1 one does not, or a part could not be run; 2 the command line
// is wrong; 130 interrupted.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "tests/demo/books.hpp"
#include "tests/demo/closing_table.hpp"
#include "tests/demo/director.hpp"

namespace {

using namespace tapd::demo;

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;
constexpr int exit_interrupted = 130;

volatile std::sig_atomic_t end_asked = 0;

void ask_to_end(int /*signal*/) {
  end_asked = 1;
}

void catch_end_signals() {
  struct sigaction action{};
  action.sa_handler = ask_to_end;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
  action.sa_handler = SIG_IGN;  // a reader that went away must not leave the children behind
  ::sigaction(SIGPIPE, &action, nullptr);
}

struct CommandLine {
  BarOptions bar;
  bool fast{false};
  bool plain{false};
  bool keep{false};
};

/// The build tree: the demo lies in tests/demo, its parts are found from there.
CommandLine defaults() {
  const std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  CommandLine line;
  line.bar.tapd = (here / "../../daemon/tapd").lexically_normal();
  line.bar.central = (here / "../central/tapd-central").lexically_normal();
  line.bar.seed_file = here / "bar.json";
  return line;
}

void describe(CLI::App& app, CommandLine& line) {
  app.add_option("--tapd", line.bar.tapd, "the tapd to show")
      ->capture_default_str()
      ->check(CLI::ExistingFile);
  app.add_option("--central", line.bar.central, "the venue server to show it with")
      ->capture_default_str()
      ->check(CLI::ExistingFile);
  app.add_option("--bar", line.bar.seed_file, "guests, cards and beverages")
      ->capture_default_str()
      ->check(CLI::ExistingFile);
  app.add_option("--seed", line.bar.seed, "shakes guests and meters a little, the same each time")
      ->capture_default_str();
  app.add_flag("--fast", line.fast, "twenty-five seconds instead of a minute");
  app.add_flag("--plain", line.plain, "a line for everything that happens, no picture");
  app.add_flag("--keep", line.keep, "keep the folder with logs, ledger and configuration");
}

Cast read_cast(const std::filesystem::path& file) {
  std::ifstream in{file};
  return parse_cast({std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}});
}

int close_the_evening(Director& director, Bar& bar, Screen& screen, bool keep) {
  const Books books = director.close_the_books();
  const Verdict verdict = judge(books);
  screen.let_stand();
  for (const std::string& line : closing_table(verdict, screen.brush())) screen.print(line);
  if (verdict.holds() && !keep) return 0;
  write_down(books, verdict, bar.folder() / "books.txt");
  screen.print(fmt::format("Logs, ledger and books are kept in {}", bar.keep_folder().string()));
  return verdict.holds() ? 0 : exit_failed;
}

int play(const CommandLine& line, Screen& screen) {
  const Cast cast = read_cast(line.bar.seed_file);
  Story story = make_story(cast, line.bar.seed, line.fast ? fast_pace : full_pace);
  screen.print("Setting up: PostgreSQL, the venue server, tapd with four simulated taps ...");
  BarOptions parts = line.bar;
  // Whoever has half a minute, a test above all, does not want to wait for a disk.
  if (line.fast && !line.keep) parts.medium = tapd::test::Medium::memory;
  Bar bar{std::move(parts), cast};
  try {
    if (end_asked != 0) return exit_interrupted;
    bar.start_server();
    Director director{cast, std::move(story), bar, screen, [] { return end_asked != 0; }};
    if (director.play()) return close_the_evening(director, bar, screen, line.keep);
    screen.let_stand();
    screen.print("Interrupted: every part is being ended.");
    return exit_interrupted;
  } catch (const std::exception& error) {
    screen.let_stand();
    screen.print(fmt::format("The demo could not go on: {}", error.what()));
    bar.end_all();
    screen.print(fmt::format("Logs and ledger are kept in {}", bar.keep_folder().string()));
    return exit_failed;
  }
}

int run(int argc, char** argv) {
  CLI::App app{
      "Shows tapd at work in about a minute: four simulated taps, a dozen guests, a venue server\n"
      "on PostgreSQL that is killed and comes back, tapd itself killed in mid-pour. At the end "
      "all\n"
      "of their books are compared. Everything runs in a temporary folder and on loopback.\n"
      "Exit codes: 0 every book agrees; 1 one does not, or a part failed; 2 usage; 130 broken "
      "off."};
  CommandLine line = defaults();
  describe(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_usage;
  }
  catch_end_signals();
  const TerminalAbility ability = terminal_ability(line.plain);
  Screen screen{ability};
  if (ability.too_small) {
    screen.print("(In a window of at least 80 columns and 24 lines this is a picture.)");
  }
  return play(line, screen);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fputs("tapd-demo: ", stderr);
    std::fputs(error.what(), stderr);
    std::fputs("\n", stderr);
    return exit_failed;
  }
}
