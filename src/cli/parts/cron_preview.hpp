#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cli/parts/cron_file.hpp"
#include "nodepool/types.hpp"

/// What `nodepool cron FILE --check` and `--next` show. Reads no clock; the machine's own time zone is that
/// of the process (TZ, /etc/localtime).

namespace nodepool::cli {

/// One entry that is due. The entry is one of the file.
struct Firing {
  WallTime at;
  const CronEntry* entry = nullptr;
};

/// The first `count` firings after an instant, over all entries; at one instant as in the file. Fewer if
/// nothing is due any more. The file must outlive them.
[[nodiscard]] std::vector<Firing> next_firings(const CronFile& file, WallTime after, std::size_t count);
/// The entries that are never due again.
[[nodiscard]] std::vector<const CronEntry*> never_due(const CronFile& file, WallTime after);

/// A table: each instant in UTC, in the zones of the file's entries, and in this machine's.
[[nodiscard]] std::string preview_text(const CronFile& file, WallTime after, std::size_t count);
/// The same as an array of objects, on one line.
[[nodiscard]] std::string preview_json(const CronFile& file, WallTime after, std::size_t count);

/// "FILE: 12 entries, no faults".
[[nodiscard]] std::string check_text(std::string_view title, const CronFile& file);
/// {"file":...,"entries":12,"faults":[]}, on one line.
[[nodiscard]] std::string check_json(std::string_view title, const CronFileResult& result);

/// Reads "2026-03-29T00:00:00Z", with any offset instead of the Z.
[[nodiscard]] Result<WallTime> parse_instant(const std::string& text);

}  // namespace nodepool::cli
