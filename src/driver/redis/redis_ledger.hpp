#pragma once

#include <memory>
#include <string>
#include <vector>

#include "driver/redis/ledger_calls.hpp"
#include "driver/redis/script_line.hpp"
#include "nodepool/ledger.hpp"

namespace nodepool::redis {

/// A service's ledger on the server that has the pool's keys, over a connection of its own. With
/// `min_replicas` every answer is confirmed, also that to a question: what a master says that was replaced
/// counts for nothing.
class RedisLedger final : public Ledger {
 public:
  /// `tls`: of the options, none without TLS.
  RedisLedger(const std::shared_ptr<const RedisOptions>& options, std::shared_ptr<const TlsContext> tls,
              const ServiceName& service, std::uint32_t seed);

  [[nodiscard]] Result<LedgerRecord> read(std::string_view job, MonotonicTime deadline) override;
  [[nodiscard]] Result<LedgerWrite> write(const LedgerUpdate& update, MonotonicTime deadline) override;
  [[nodiscard]] Result<std::vector<std::string>> history(std::string_view job, std::size_t most,
                                                         MonotonicTime deadline) override;
  [[nodiscard]] Result<std::vector<LedgerRecord>> all(MonotonicTime deadline) override;
  [[nodiscard]] Result<bool> erase(std::string_view job, std::uint64_t expected,
                                   MonotonicTime deadline) override;

 private:
  /// Runs a call that changes nothing.
  Result<Reply> ask(ScriptOrder order, MonotonicTime deadline);
  /// Runs a call that writes if the record has the version that is expected.
  Result<LedgerWrite> change(const ScriptCall& call, const LedgerUpdate& update, MonotonicTime deadline);

  ServiceName service_;
  unsigned replicas_;
  LedgerCalls calls_;
  ScriptLine line_;
};

}  // namespace nodepool::redis
