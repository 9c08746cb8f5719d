#pragma once

#include <memory>

#include "nodepool/driver.hpp"

namespace nodepool {

/// A store inside this process. All pools that are given the same driver object share it; it goes with the
/// last of them. For tests, and for several pools of one process. A fresh pool needs no barrier: no lease can
/// exist from before.
NODEPOOL_EXPORT std::shared_ptr<Driver> open_memory();

}  // namespace nodepool
