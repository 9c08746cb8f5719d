#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace nodepool::cli {

/// What tells one crontab entry from another, wherever they stand in the file.
struct EntryIdentity {
  std::string user;
  std::string schedule;  ///< Expression and time zone, in one form however many blanks are between its words.
  std::string command;   ///< As it stands in the file, with the input behind its `%`.
};

/// The name of an entry that was given none: what it starts, and eight digits of a hash over its identity,
/// such as "backup-91c4b2f0". The same wherever the same entry stands; another once it is edited. Only the
/// command's first word is shown, as others may hold passwords.
[[nodiscard]] std::string default_name(const EntryIdentity& identity);

/// Hands out names, each once. Given names come first, all of them; a default name that is taken already
/// gets "#2" and so on behind it.
class NameRegister {
 public:
  /// The line that has it already, or 0: then it is taken now.
  [[nodiscard]] std::size_t take_given(const std::string& name, std::size_t line);
  [[nodiscard]] std::string take_default(const std::string& name);

 private:
  std::map<std::string, std::size_t> given_;  ///< With their lines.
  std::map<std::string, std::size_t> count_;  ///< How often a default name was asked for.
  std::set<std::string> defaults_;
};

}  // namespace nodepool::cli
