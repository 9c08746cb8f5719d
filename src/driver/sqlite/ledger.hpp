#pragma once

#include <string>
#include <utility>
#include <vector>

#include "driver/sqlite/store_file.hpp"
#include "nodepool/ledger.hpp"

namespace nodepool::sqlite {

/// A service's ledger in a store's file. Belongs to one thread at a time.
///
/// It holds no lease, so it takes no part in the folder's lock: a file that it makes is no proof that no
/// lease is left from before, and the first pool in it starts behind the barrier.
class SqliteLedger final : public Ledger {
 public:
  /// `path` is absolute.
  SqliteLedger(std::string path, ServiceName service)
      : store_(std::move(path)), service_(std::move(service)) {}

  Result<LedgerRecord> read(std::string_view job, MonotonicTime deadline) override;
  Result<LedgerWrite> write(const LedgerUpdate& update, MonotonicTime deadline) override;
  Result<std::vector<std::string>> history(std::string_view job, std::size_t most,
                                           MonotonicTime deadline) override;
  Result<std::vector<LedgerRecord>> all(MonotonicTime deadline) override;
  Result<bool> erase(std::string_view job, std::uint64_t expected, MonotonicTime deadline) override;

 private:
  /// The connection to a file with the ledger's tables; null if there is no file and none was to be made.
  Result<Connection*> attach(bool create, MonotonicTime deadline);
  Result<LedgerWrite> write_here(Connection& connection, const LedgerUpdate& update);
  Result<bool> erase_here(Connection& connection, std::string_view job, std::uint64_t expected);
  /// After a commit: what was written must stay, and be where others look.
  Result<void> make_sure();

  StoreFile store_;
  const ServiceName service_;
};

}  // namespace nodepool::sqlite
