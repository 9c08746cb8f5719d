#pragma once

#include <memory>

#include "nodepool/ledger.hpp"

namespace nodepool::memory {

/// The ledgers of all services of one driver object. Thread-safe.
class Ledgers;

std::shared_ptr<Ledgers> make_ledgers();
std::unique_ptr<Ledger> open_ledger(std::shared_ptr<Ledgers> ledgers, const ServiceName& service);

}  // namespace nodepool::memory
