#include "cli/command.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <system_error>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/byte_size.h"
#include "base/status_macros.h"
#include "cli/exit_code.h"
#include "daemon/nearest_name.h"

namespace tidemark::cli {
namespace {

constexpr std::size_t kHelpColumn = 28;

std::string PathOf(const CLI::App* app) {
  return app->get_parent() == nullptr ? app->get_name()
                                      : PathOf(app->get_parent()) + " " + app->get_name();
}

// Examples first: who asks for help wants to type something.
class ExamplesFirst final : public CLI::Formatter {
 public:
  explicit ExamplesFirst(std::string epilogue) : epilogue_(std::move(epilogue)) {}

  std::string make_help(const CLI::App* app, std::string /*name*/,
                        CLI::AppFormatMode mode) const override {
    if (mode == CLI::AppFormatMode::Sub) return make_expanded(app);
    std::string text = app->get_description() + "\n";
    // CLI11's footer holds the examples.
    if (!app->get_footer().empty()) text += "\nExamples:\n" + app->get_footer();
    text += "\n" + make_usage(app, PathOf(app));
    text += make_positionals(app) + make_groups(app, mode) + make_subcommands(app, mode);
    if (app->get_parent() == nullptr) text += "\n" + epilogue_;
    return text;
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text;
    if (option->nonpositional() && option->get_type_size() != 0 &&
        !option->get_type_name().empty()) {
      text = " " + option->get_type_name();
    }
    return text;
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    std::string text = option->get_description();
    if (!option->get_envname().empty()) text += " (or " + option->get_envname() + ")";
    return text;
  }

 private:
  std::string epilogue_;  // of the root
};

// Runs `parse` on the text; what it says against it becomes the usage error.
template <typename Parse>
auto Checked(const std::string& name, Parse parse) {
  return [name, parse](const std::string& text) {
    if (const absl::Status status = parse(text); !status.ok()) {
      throw CLI::ValidationError(name, std::string(status.message()));
    }
  };
}

absl::StatusOr<std::int64_t> ParseInteger(const std::string& text, Limits limits) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) {
    return absl::InvalidArgumentError(absl::StrFormat("'%s' is no whole number", text));
  }
  if (error == std::errc::result_out_of_range || value < limits.least || value > limits.most) {
    return absl::InvalidArgumentError(
        absl::StrFormat("'%s' is not within %d and %d", text, limits.least, limits.most));
  }
  return value;
}

absl::StatusOr<std::int64_t> ParseBytes(const std::string& text) {
  TM_ASSIGN_OR_RETURN(const std::int64_t bytes, base::ParseByteSize(text));
  if (bytes >= 1) return bytes;
  return absl::InvalidArgumentError(
      absl::StrFormat("'%s' is %d bytes: at least 1 is wanted", text, bytes));
}

absl::StatusOr<base::Duration> ParseTime(const std::string& text) {
  TM_ASSIGN_OR_RETURN(const base::Duration duration, base::ParseDuration(text));
  if (duration >= std::chrono::milliseconds(1)) return duration;
  return absl::InvalidArgumentError(
      absl::StrFormat("'%s' is %d ns: at least 1 ms is wanted", text, duration.count()));
}

// Parses into `value`, which stays as it was if that fails.
template <typename Parse, typename Value>
auto Into(const std::string& name, Parse parse, Value& value) {
  return Checked(name, [parse, &value](const std::string& text) {
    const auto parsed = parse(text);
    if (parsed.ok()) value = *parsed;
    return parsed.status();
  });
}

// The last command that was recognised.
CLI::App* Deepest(CLI::App* app) {
  while (!app->get_subcommands().empty()) app = app->get_subcommands().back();
  return app;
}

// What could have stood where `typed` was not understood.
std::vector<std::string> KnownWords(CLI::App* at, const std::string& typed) {
  std::vector<std::string> known;
  if (!typed.starts_with("-")) {
    for (const CLI::App* sub : at->get_subcommands([](CLI::App*) { return true; })) {
      known.push_back(sub->get_name());
    }
    return known;
  }
  for (const CLI::App* app = at; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      if (option->nonpositional()) known.push_back(option->get_name());
    }
  }
  return known;
}

std::string UnknownWord(CLI::App* root, const std::string& typed) {
  CLI::App* at = Deepest(root);
  const std::string what = typed.starts_with("-") ? "option" : "word";
  std::string text = absl::StrFormat("unknown %s '%s' after '%s'", what, typed, PathOf(at));
  if (const auto nearest = daemon::NearestName(typed, KnownWords(at, typed))) {
    text += absl::StrFormat(": did you mean '%s'?", *nearest);
  }
  return text + absl::StrFormat("\nTry '%s --help'.", PathOf(at));
}

}  // namespace

Command Command::Sub(const std::string& name, const std::string& summary) {
  CLI::App* sub = app_->add_subcommand(name, summary);
  sub->fallthrough();
  sub->footer("");  // not the parent's examples
  app_->require_subcommand(1);
  return Command(sub, chosen_);
}

Command& Command::Example(const std::string& line, const std::string& what) {
  std::string footer = app_->get_footer();
  footer += what.empty() ? absl::StrFormat("  %s\n", line)
                         : absl::StrFormat("  %s\n      %s\n", line, what);
  app_->footer(footer);
  return *this;
}

Command& Command::Positional(const std::string& name, std::string& value, const std::string& help) {
  app_->add_option(name, value, help)->required();
  return *this;
}

Command& Command::OptionalPositional(const std::string& name, std::string& value,
                                     const std::string& help) {
  app_->add_option(name, value, help);
  return *this;
}

Command& Command::Flag(const std::string& name, bool& value, const std::string& help) {
  app_->add_flag(name, value, help);
  last_option_ = name;
  return *this;
}

Command& Command::Option(const std::string& name, std::string& value, const std::string& type,
                         const std::string& help) {
  app_->add_option(name, value, help)->type_name(type);
  last_option_ = name;
  return *this;
}

Command& Command::Option(const std::string& name, std::optional<std::string>& value,
                         const std::string& type, const std::string& help) {
  app_->add_option_function<std::string>(
          name, [&value](const std::string& text) { value = text; }, help)
      ->type_name(type);
  last_option_ = name;
  return *this;
}

Command& Command::Option(const std::string& name, std::int64_t& value, Limits limits,
                         const std::string& type, const std::string& help) {
  const auto parse = [limits](const std::string& text) { return ParseInteger(text, limits); };
  app_->add_option_function<std::string>(name, Into(name, parse, value), help)->type_name(type);
  last_option_ = name;
  return *this;
}

Command& Command::Option(const std::string& name, std::optional<std::int64_t>& value, Limits limits,
                         const std::string& type, const std::string& help) {
  const auto parse = [limits](const std::string& text) { return ParseInteger(text, limits); };
  app_->add_option_function<std::string>(name, Into(name, parse, value), help)->type_name(type);
  last_option_ = name;
  return *this;
}

Command& Command::Option(const std::string& name, ByteSize& value, const std::string& help) {
  app_->add_option_function<std::string>(name, Into(name, &ParseBytes, value.bytes), help)
      ->type_name("SIZE");
  last_option_ = name;
  return *this;
}

Command& Command::Option(const std::string& name, TimeSpan& value, const std::string& help) {
  app_->add_option_function<std::string>(name, Into(name, &ParseTime, value.duration), help)
      ->type_name("TIME");
  last_option_ = name;
  return *this;
}

Command& Command::Choice(const std::string& name, std::string& value,
                         const std::vector<std::string>& choices, const std::string& help) {
  const auto parse = [&value, choices](const std::string& text) {
    if (std::ranges::find(choices, text) != choices.end()) {
      value = text;
      return absl::OkStatus();
    }
    const auto nearest = daemon::NearestName(text, choices);
    return absl::InvalidArgumentError(
        absl::StrFormat("'%s' is none of %s%s", text, CLI::detail::join(choices, ", "),
                        nearest ? absl::StrFormat(": did you mean '%s'?", *nearest) : ""));
  };
  app_->add_option_function<std::string>(name, Checked(name, parse), help)
      ->type_name(CLI::detail::join(choices, "|"));
  last_option_ = name;
  return *this;
}

Command& Command::Env(const std::string& variable) {
  app_->get_option(last_option_.substr(last_option_.rfind(',') + 1))->envname(variable);
  return *this;
}

Command& Command::Required() {
  app_->get_option(last_option_.substr(last_option_.rfind(',') + 1))->required();
  return *this;
}

Command& Command::Excludes(const std::string& other) {
  app_->get_option(last_option_.substr(last_option_.rfind(',') + 1))
      ->excludes(app_->get_option(other));
  return *this;
}

Command& Command::Runs(std::function<int()> action) {
  app_->callback([chosen = chosen_, action = std::move(action)] { *chosen = action; });
  return *this;
}

CommandTree::CommandTree(const std::string& name, const std::string& summary,
                         const std::string& epilogue)
    : app_(std::make_unique<CLI::App>(summary, name)),
      chosen_(std::make_shared<std::function<int()>>()) {
  app_->formatter(std::make_shared<ExamplesFirst>(epilogue));
  app_->get_formatter()->column_width(kHelpColumn);
  app_->set_help_flag("-h,--help", "show this help");
}

CommandTree::~CommandTree() = default;

Command CommandTree::root() { return Command(app_.get(), chosen_); }

ParseResult CommandTree::Parse(const std::vector<std::string>& arguments) {
  // CLI11 takes them last first.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app_->parse(std::move(reversed));
    return {};
  } catch (const CLI::CallForHelp&) {
    return {0, Deepest(app_.get())->help(), false};
  } catch (const CLI::ParseError& error) {
    const int usage = static_cast<int>(ExitCode::kUsage);
    const std::vector<std::string> unknown = app_->remaining(true);
    if (!unknown.empty()) return {usage, UnknownWord(app_.get(), unknown.front()), true};
    CLI::App* at = Deepest(app_.get());
    if (arguments.empty() || (at->get_subcommands([](CLI::App*) { return true; }).size() > 0)) {
      return {usage, at->help(), true};
    }
    return {usage, absl::StrFormat("%s\nTry '%s --help'.", error.what(), PathOf(at)), true};
  }
}

int CommandTree::Run() { return *chosen_ ? (*chosen_)() : static_cast<int>(ExitCode::kUsage); }

}  // namespace tidemark::cli
