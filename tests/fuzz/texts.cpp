#include <utility>

#include "cli/parts/duration.hpp"
#include "cli/parts/store_url.hpp"
#include "fuzz/finding.hpp"
#include "fuzz/targets.hpp"
#include "nodepool/redis.hpp"

namespace nodepool::fuzz {
namespace {

constexpr std::string_view kSecret = "s3cr3t";

void check_error(const Error& error) {
  expect(error.code == ErrorCode::invalid_argument, "a text that cannot be read is an invalid argument");
  expect(error.message.find(kSecret) == std::string::npos, "no message shows a password");
}

void check_redis(std::string_view url) {
  const auto options = parse_redis_url(url);
  if (!options) return check_error(options.error());
  const auto driver = open_redis(*options);
  expect(driver.has_value(), "what was read can be opened");
  if (options->host.find(kSecret) != std::string::npos ||
      options->unix_path.find(kSecret) != std::string::npos) {
    return;
  }
  const std::string shown = (*driver)->describe();
  expect(options->user.find(kSecret) != std::string::npos || shown.find(kSecret) == std::string::npos,
         "a driver's name shows no password");
}

void check_duration(std::string_view text) {
  const auto duration = cli::parse_duration(text);
  if (!duration) return;
  expect(duration->count() >= 0, "a duration is not negative");
  expect(cli::parse_duration(cli::format_duration(*duration)) == *duration, "a duration reads back");
}

}  // namespace

void texts(std::string_view bytes) {
  check_redis(bytes);
  check_duration(bytes);
  static_cast<void>(cli::open_store(bytes, cli::StoreUse::observe));
  static_cast<void>(validate(ServiceName(bytes)));
  static_cast<void>(validate(NodeName(bytes)));
  static_cast<void>(validate_job_name(bytes));
}

}  // namespace nodepool::fuzz
