#include "parts/server_meter.hpp"

#include <cstdlib>
#include <sstream>
#include <string>

#include "parts/process_usage.hpp"

namespace nodepool::bench {
namespace {

std::uint64_t number_after(const std::string& text, const std::string& name) {
  const auto at = text.find(name);
  return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + name.size(), nullptr, 10);
}

bool is_script(const std::string& line) {
  return line.starts_with("cmdstat_eval") || line.starts_with("cmdstat_fcall");
}

}  // namespace

ServerMeter::ServerMeter(const test::RedisServer& server) : server_(server) {
  ServerWork commands;
  add_commands(commands);
  before_ = traffic();
  before_.work.published = commands.published;
  before_.work.script_calls = commands.script_calls;
  before_.work.in_scripts = commands.in_scripts;
  before_.work.cpu = cpu_time(server.pid());
  begun_ = BootClock::now();
}

ServerWork ServerMeter::read() const {
  const auto elapsed = BootClock::now() - begun_;
  ServerWork work = traffic().work;
  work.elapsed = elapsed;
  work.cpu = cpu_time(server_.pid()) - before_.work.cpu;
  work.bytes_in -= before_.work.bytes_in;
  work.bytes_out -= before_.work.bytes_out + before_.own_bytes;
  add_commands(work);
  work.published -= before_.work.published;
  work.script_calls -= before_.work.script_calls;
  work.in_scripts -= before_.work.in_scripts;
  return work;
}

ServerMeter::Counts ServerMeter::traffic() const {
  const std::string text = server_.command({"INFO", "stats"});
  Counts counts;
  counts.work.bytes_in = number_after(text, "total_net_input_bytes:");
  counts.work.bytes_out = number_after(text, "total_net_output_bytes:");
  counts.own_bytes = text.size();
  return counts;
}

void ServerMeter::add_commands(ServerWork& work) const {
  std::istringstream lines(server_.command({"INFO", "commandstats"}));
  for (std::string line; std::getline(lines, line);) {
    const std::uint64_t calls = number_after(line, "calls=");
    if (line.starts_with("cmdstat_publish")) work.published += calls;
    if (!is_script(line)) continue;
    work.script_calls += calls;
    work.in_scripts += std::chrono::microseconds(number_after(line, "usec="));
  }
}

}  // namespace nodepool::bench
