#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "tidy/rules.hpp"

namespace nodepool::tidy {
namespace {

/// A room of the house and the folders it may include from: its own and those of lower floors (law 1).
struct Room {
  std::string folder;
  std::vector<std::string> may_include;
};

const std::vector<Room>& rooms() {
  static const std::vector<Room> kRooms = {
      {"include/nodepool/", {"nodepool/"}},
      {"src/ring/", {"nodepool/", "ring/"}},
      {"src/core/", {"nodepool/", "ring/", "core/"}},
      {"src/cron/", {"nodepool/", "ring/", "cron/"}},
      {"src/runtime/", {"nodepool/", "ring/", "core/", "runtime/"}},
      {"src/scheduler/", {"nodepool/", "cron/", "scheduler/"}},
      // Another layout on the same kind of server: this driver stands on the other as on a lower floor.
      {"src/driver/go_dispatch/",
       {"nodepool/", "ring/", "core/", "driver/common/", "driver/redis/", "driver/go_dispatch/"}},
      {"src/cli/", {""}},
  };
  return kRooms;
}

std::string list_of(const std::vector<std::string>& folders) {
  std::string list;
  for (const std::string& folder : folders) {
    list += (list.empty() ? "" : ", ") + folder;
  }
  return list;
}

/// A driver's room is the folder that it is alone in; what drivers share is in driver/common/.
std::vector<std::string> allowed_in(const SourceFile& file) {
  for (const Room& room : rooms()) {
    if (file.is_in(room.folder)) {
      return room.may_include;
    }
  }
  const std::string drivers = "src/driver/";
  const std::size_t end = file.path.find('/', drivers.size());
  if (file.is_in(drivers) && end != std::string::npos) {
    const std::string own = file.path.substr(4, end + 1 - 4);
    // The scripts of a driver are made into a header by the build.
    return {"nodepool/", "ring/", "core/", "driver/common/", own, "embedded_scripts.hpp"};
  }
  return {};
}

struct Include {
  std::size_t line = 0;
  bool angled = false;
  std::string name;
};

std::vector<Include> includes_of(const SourceFile& file) {
  std::vector<Include> includes;
  for (std::size_t i = 0; i < file.code.size(); ++i) {
    const std::string& line = file.code[i];
    const std::size_t open = line.find_first_of("<\"");
    if (line.starts_with("#include") && open != std::string::npos) {
      const std::size_t close = line.find_first_of(">\"", open + 1);
      includes.push_back({i, line[open] == '<', line.substr(open + 1, close - open - 1)});
    }
  }
  return includes;
}

void check_floor(const SourceFile& file, const Include& include, std::vector<Finding>& findings) {
  const auto allowed = allowed_in(file);
  const bool fits = std::any_of(allowed.begin(), allowed.end(),
                                [&](const auto& folder) { return include.name.starts_with(folder); });
  if (!include.angled && !fits) {
    findings.push_back(file.finding(include.line, "include-floor",
                                    "includes " + include.name + "; this room may include only " +
                                        (allowed.empty() ? "what docs/design.md says" : list_of(allowed))));
  }
  // Names of the standard library have neither a dot nor a slash.
  if (include.angled && file.is_in("include/") && include.name != "tl/expected.hpp" &&
      include.name.find_first_of("./") != std::string::npos) {
    findings.push_back(file.finding(include.line, "public-include",
                                    "includes <" + include.name + ">; users need not have that library"));
  }
}

void check_own_header(const SourceFile& file, const std::vector<Include>& includes,
                      const std::set<std::string>& paths, std::vector<Finding>& findings) {
  const std::string stem = file.path.substr(0, file.path.rfind('.'));
  const std::string beside = stem + ".hpp";
  const std::string published = "include/nodepool" + stem.substr(stem.rfind('/')) + ".hpp";
  std::string own;
  if (paths.contains(beside)) {
    own = beside.substr(4);
  } else if (paths.contains(published) && !file.is_in("src/driver/") && !file.is_in("src/cli/")) {
    own = published.substr(8);
  }
  const auto first =
      std::find_if(includes.begin(), includes.end(), [](const auto& include) { return !include.angled; });
  const bool is_first = !includes.empty() && first == includes.begin() && first->name == own;
  if (!own.empty() && !is_first) {
    findings.push_back(file.finding(0, "own-header-first", "does not include " + own + " first"));
  }
}

}  // namespace

void check_includes(const std::vector<SourceFile>& tree, std::vector<Finding>& findings) {
  std::set<std::string> paths;
  for (const SourceFile& file : tree) {
    paths.insert(file.path);
  }
  std::string hiredis_user;
  for (const SourceFile& file : tree) {
    if (!file.is_cxx() || !(file.is_in("src/") || file.is_in("include/"))) {
      continue;
    }
    const auto includes = includes_of(file);
    for (const Include& include : includes) {
      check_floor(file, include, findings);
      if (include.name.find("hiredis") == std::string::npos) {
        continue;
      }
      const bool is_first_user = hiredis_user.empty() || hiredis_user == file.path;
      if (!file.is_in("src/driver/redis/") || !is_first_user) {
        findings.push_back(file.finding(include.line, "hiredis-once",
                                        "includes hiredis; only one file of src/driver/redis may"));
      } else {
        hiredis_user = file.path;
      }
    }
    if (file.path.ends_with(".cpp") && file.is_in("src/")) {
      check_own_header(file, includes, paths, findings);
    }
  }
}

}  // namespace nodepool::tidy
