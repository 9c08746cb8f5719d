#pragma once

#include <string>
#include <string_view>

#include "nodepool/result.hpp"

namespace nodepool::redis {

/// The error that a server's error reply stands for: a code to act on, and a message with the server's
/// reason, what it concerns and what to do. `server` is the driver's description, `service` may be empty
/// (before any script).
/// `secret`: a password that a server or proxy may have echoed; it is not shown.
Error server_error(std::string_view text, std::string_view server, std::string_view service,
                   std::string_view secret = {});
/// The same of a Sentinel, which needs other rights.
Error sentinel_error(std::string_view text, std::string_view sentinel, std::string_view secret = {});

/// The rights that an ACL user needs for everything that nodes and observers do on one server, as ACL SETUSER
/// takes them.
std::string_view required_rights() noexcept;

/// The text with every occurrence of the password replaced: whatever a server or proxy echoes, it is never
/// shown.
std::string without_password(std::string text, std::string_view password);

/// Whether the server wants the whole script again.
bool is_unknown_script(std::string_view text) noexcept;

}  // namespace nodepool::redis
