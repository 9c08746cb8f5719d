#include "cli/demo_stage.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "cli/parts/output.hpp"

namespace nodepool::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenDrawings{100};

}  // namespace

DemoStage::DemoStage() : terminal_(::isatty(STDOUT_FILENO) == 1), begin_(std::chrono::steady_clock::now()) {}

void DemoStage::say(std::string_view line) {
  const std::chrono::duration<double> since = std::chrono::steady_clock::now() - begin_;
  tell(fmt::format("{:5.1f} s  {}\n", since.count(), line));
}

void DemoStage::tell(std::string_view text) {
  const std::string table = table_;
  clear();
  write(text);
  if (!table.empty()) draw(table);
}

bool DemoStage::wants_table() const {
  return terminal_ && std::chrono::steady_clock::now() >= drawn_at_ + kBetweenDrawings;
}

void DemoStage::draw(const std::string& table) {
  if (!terminal_) return;
  clear();
  // Without wrapping of long lines, so that the lines can be counted when the table is taken away.
  write("\x1b[?7l" + table + "\x1b[?7h");
  table_ = table;
  drawn_at_ = std::chrono::steady_clock::now();
}

void DemoStage::clear() {
  if (table_.empty()) return;
  write(fmt::format("\x1b[{}A\x1b[J", std::count(table_.begin(), table_.end(), '\n')));
  table_.clear();
}

void DemoStage::write(std::string_view text) {
  has_reader_ = has_reader_ && write_all(STDOUT_FILENO, text);
}

}  // namespace nodepool::cli
