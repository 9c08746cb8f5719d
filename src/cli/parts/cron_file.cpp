#include "cli/parts/cron_file.hpp"

#include <utility>

#include "cli/parts/crontab_file.hpp"
#include "cli/parts/toml_file.hpp"
#include "core/utf8.hpp"

namespace nodepool::cli {
namespace {

/// Each line once: whoever sees one such byte rarely sees the last.
FaultList unreadable_lines(std::string_view text) {
  FaultList faults;
  for (const FileLine& line : lines_of(text)) {
    if (const std::size_t zero = line.text.find('\0'); zero != std::string_view::npos) {
      faults.add({line.number, zero + 1}, "there is a zero byte; a cron file is text");
    } else if (!is_utf8(line.text)) {
      faults.add({line.number, 1}, "this line is no UTF-8; save the file in this encoding");
    }
  }
  return faults;
}

}  // namespace

CronFormat cron_format_of(std::string_view path) noexcept {
  return path.ends_with(".toml") ? CronFormat::toml : CronFormat::crontab;
}

CronFileResult parse_cron_file(std::string_view text, CronFormat format, const CronFileOptions& options) {
  if (FaultList faults = unreadable_lines(text); !faults.empty()) {
    return tl::unexpected(std::move(faults).sorted());
  }
  switch (format) {
    case CronFormat::crontab:
      return parse_crontab(text, options);
    case CronFormat::toml:
      return parse_toml(text, options);
  }
  return CronFile{};
}

}  // namespace nodepool::cli
