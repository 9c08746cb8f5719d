#include "cli/cron_daemon.hpp"

namespace nodepool::cli {

int run_daemon(const CronInput& /*input*/, CronFile /*file*/, const Invocation& /*invocation*/) {
  return fail({ErrorCode::invalid_argument,
               "cron cannot run files yet; --check and --next COUNT say what is in one"});
}

}  // namespace nodepool::cli
