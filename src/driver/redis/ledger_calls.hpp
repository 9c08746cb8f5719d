#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "driver/redis/scripts.hpp"
#include "nodepool/ledger.hpp"

/// What the driver tells the ledger's script, and what it understands of its answers. No I/O.

namespace nodepool::redis {

/// The calls of one service's ledger. `confirmed`: replicas are asked to confirm them.
class LedgerCalls {
 public:
  LedgerCalls(ServiceName service, bool confirmed) : service_(std::move(service)), confirmed_(confirmed) {}

  [[nodiscard]] ScriptCall read(std::string_view job) const;
  [[nodiscard]] ScriptCall write(const LedgerUpdate& update) const;
  [[nodiscard]] ScriptCall erase(std::string_view job, std::uint64_t expected) const;
  [[nodiscard]] ScriptCall history(std::string_view job, std::size_t most) const;
  /// The cursor "0" asks for the first page.
  [[nodiscard]] ScriptCall page(std::string_view cursor) const;

  /// Of `read`.
  [[nodiscard]] Result<LedgerRecord> record(std::string_view job, const Reply& reply) const;
  /// Of `write`, and with an update without a value of `erase`.
  [[nodiscard]] Result<LedgerWrite> outcome(const LedgerUpdate& update, const Reply& reply) const;
  [[nodiscard]] Result<std::vector<std::string>> entries(const Reply& reply) const;
  /// Adds a page's records, of which some may be there already; returns the next page's cursor, "0" after the
  /// last one.
  [[nodiscard]] Result<std::string> add_page(const Reply& reply, std::vector<LedgerRecord>& records) const;

 private:
  [[nodiscard]] std::string records_key() const;
  [[nodiscard]] std::string history_key(std::string_view job) const;
  [[nodiscard]] ScriptCall call(std::vector<std::string> keys, std::string verb, std::string_view job) const;
  [[nodiscard]] tl::unexpected<Error> corrupt(std::string_view what) const;

  ServiceName service_;
  bool confirmed_;
};

}  // namespace nodepool::redis
