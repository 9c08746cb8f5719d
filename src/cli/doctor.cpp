#include "nodepool/doctor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"

namespace nodepool::cli {
namespace {

struct DoctorArguments {
  std::string service;
  Format format = Format::text;
};

std::string json_of(const std::vector<Finding>& findings) {
  nlohmann::ordered_json array = nlohmann::ordered_json::array();
  for (const Finding& finding : findings) {
    array.push_back({{"grade", to_string(finding.grade)},
                     {"subject", finding.subject},
                     {"text", finding.text},
                     {"advice", finding.advice}});
  }
  return array.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

std::string text_of(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += fmt::format("{:<8} {:<14} {}\n", to_string(finding.grade), finding.subject, finding.text);
    if (!finding.advice.empty()) text += fmt::format("{:<23} -> {}\n", "", finding.advice);
  }
  return text;
}

std::string verdict(const std::vector<Finding>& findings) {
  const auto count = [&](Finding::Grade grade) {
    return std::ranges::count(findings, grade, &Finding::grade);
  };
  const auto problems = count(Finding::Grade::problem);
  const auto warnings = count(Finding::Grade::warning);
  if (problems == 0 && warnings == 0) return "Nothing to worry about.\n";
  return fmt::format("{} {}, {} {}.\n", problems, problems == 1 ? "problem" : "problems", warnings,
                     warnings == 1 ? "warning" : "warnings");
}

int run_doctor(const DoctorArguments& arguments, const Invocation& invocation) {
  const auto driver = open_store(invocation, StoreUse::observe);
  if (!driver) return fail(driver.error());
  const auto findings = examine(**driver, ServiceName(arguments.service), patience());
  if (arguments.format == Format::json) {
    fmt::print("{}", json_of(findings));
  } else {
    fmt::print("service {} in {}\n{}{}", arguments.service, (*driver)->describe(), text_of(findings),
               verdict(findings));
  }
  const bool broken = std::ranges::any_of(
      findings, [](const Finding& each) { return each.grade == Finding::Grade::problem; });
  return broken ? kFailed : kDone;
}

}  // namespace

void add_doctor(CLI::App& program, Invocation& invocation) {
  auto arguments = std::make_shared<DoctorArguments>();
  CLI::App* command = program.add_subcommand("doctor", "Examine a pool and its store, and say what to do");
  add_store_option(*command, invocation);
  add_driver_options(*command, invocation);
  add_service_argument(*command, arguments->service);
  add_format_option(*command, arguments->format);
  command->footer(
      "Examples:\n"
      "  nodepool doctor billing\n"
      "  nodepool doctor billing --store redis://10.0.0.1 --format json\n"
      "Exit code 1 if there is a problem, 0 if there are at most warnings. Joins nothing and changes "
      "nothing.");
  command->callback([arguments, &invocation] {
    invocation.run = [arguments, &invocation] { return run_doctor(*arguments, invocation); };
  });
}

}  // namespace nodepool::cli
