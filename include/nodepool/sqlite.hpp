#pragma once

#include <memory>
#include <string>

#include "nodepool/driver.hpp"

namespace nodepool {

/// A store in one SQLite file, for the processes of one machine (a local file system, one PID namespace's
/// boot).
///
/// The file is created when it is not there (mode 0600; its folder must exist and be writable). Every sync is
/// one immediate transaction. Changes are noticed by inotify, without polling, where the system has a watch
/// left. The file may be deleted or replaced under live nodes (they notice at their next heartbeat); its
/// folder must outlive the pool, and the file must not be overwritten in place. Errors of this call:
/// `invalid_argument` (an empty path). Whatever is wrong with the file is told by the first call of a
/// session: a foreign or damaged file is `store_corrupt` and is left untouched.
NODEPOOL_EXPORT Result<std::shared_ptr<Driver>> open_sqlite(const std::string& path);

}  // namespace nodepool
