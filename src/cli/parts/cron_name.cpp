#include "cli/parts/cron_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "cli/parts/crontab_line.hpp"
#include "cli/parts/job_rules.hpp"
#include "nodepool/ring.hpp"

namespace nodepool::cli {
namespace {

bool is_assignment(std::string_view word) {
  const std::size_t sign = word.find('=');
  return sign != std::string_view::npos && validate_variable_name(word.substr(0, sign)).has_value();
}

/// The word that says what is started: behind assignments, and behind "cd somewhere &&".
std::string_view telling_word(std::string_view command) {
  const std::vector<LinePiece> words = words_of({command, 1});
  auto word = words.begin();
  while (word != words.end() && is_assignment(word->text)) ++word;
  if (words.end() - word > 3 && word->text == "cd" && (word + 2)->text == "&&") word += 3;
  return word == words.end() ? std::string_view() : word->text;
}

/// Without its folder, and only of characters that need no quotes anywhere.
std::string short_form(std::string_view word) {
  constexpr std::size_t kMostOfIt = 32;
  word.remove_prefix(word.find_last_of('/') + 1);
  std::string name;
  for (const char c : word.substr(0, kMostOfIt)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-';
    if (plain) name += c;
  }
  return name.empty() ? "job" : name;
}

}  // namespace

std::string default_name(const EntryIdentity& identity) {
  const std::string key = identity.user + '\0' + identity.schedule + '\0' + identity.command;
  return fmt::format("{}-{:08x}", short_form(telling_word(identity.command)), hash_key(key) >> 32U);
}

std::size_t NameRegister::take_given(const std::string& name, std::size_t line) {
  const auto [place, is_new] = given_.emplace(name, line);
  return is_new ? 0 : place->second;
}

std::string NameRegister::take_default(const std::string& name) {
  std::size_t& count = count_[name];
  while (true) {
    ++count;
    std::string numbered = count == 1 ? name : fmt::format("{}#{}", name, count);
    if (!given_.contains(numbered) && defaults_.insert(numbered).second) return numbered;
  }
}

}  // namespace nodepool::cli
