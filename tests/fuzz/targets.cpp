#include "fuzz/targets.hpp"

namespace nodepool::fuzz {

const std::vector<Target>& targets() {
  static const std::vector<Target> kTargets{{"resp", resp},
                                            {"replies", replies},
                                            {"records", records},
                                            {"texts", texts},
                                            {"schedules", schedules},
                                            {"cron_file", cron_file},
                                            {"view_store", view_store},
                                            {"sqlite_file", sqlite_file}};
  return kTargets;
}

}  // namespace nodepool::fuzz
