#include "cli/describe.h"

#include <algorithm>
#include <vector>

namespace likeness::cli {
namespace {

using Options = std::vector<const CLI::Option*>;

Options shown(const CLI::App& app, bool positional) {
  return app.get_options([positional](const CLI::Option* option) {
    return !option->get_group().empty() && option->get_positional() == positional;
  });
}

/// "-j", "--threads": what can be typed for an option.
std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const auto& name : option.get_snames()) names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string all;
  for (const auto& word : words) all += (all.empty() ? "" : between) + word;
  return all;
}

/// The values of "TEXT:{off,standard,strict}", which is how CLI11 says what IsMember allows.
std::vector<std::string> values_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const auto open = type.find(":{");
  const auto close = type.find('}', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) return {};
  return CLI::detail::split(type.substr(open + 2, close - open - 2), ',');
}

/// Text as roff takes it: no escapes of its own, hyphens that can be copied, no line that is a request.
std::string roff(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\e";
    } else if (c == '\n') {
      result += "\n.br\n";
    } else if (c == '-') {
      result += "\\-";
    } else if ((c == '.' || c == '\'') && (result.empty() || result.back() == '\n')) {
      result += std::string("\\&") + c;
    } else {
      result += c;
    }
  }
  return result;
}

/// An argument's or option's paragraph: what is typed in bold, then what it takes, then what it is for.
std::string paragraph(const std::string& typed, const CLI::Option& option) {
  std::string text = ".TP\n\\fB" + roff(typed) + "\\fR";
  const std::string takes = option.get_type_name();
  if (!takes.empty()) text += " \\fI" + roff(takes) + "\\fR";
  if (!option.get_default_str().empty()) text += " [" + roff(option.get_default_str()) + "]";
  return text + "\n" + roff(option.get_description()) + "\n";
}

void add_section(std::string& page, const CLI::App& app, const std::string& called) {
  if (app.get_parent() != nullptr)
    page += ".SS \"" + roff(called) + "\"\n" + roff(app.get_description()) + "\n";
  for (const auto* argument : shown(app, true)) page += paragraph(argument->get_name(true), *argument);
  for (const auto* option : shown(app, false)) page += paragraph(joined(names_of(*option), ", "), *option);
  if (!app.get_footer().empty()) page += ".PP\n" + roff(app.get_footer()) + "\n";
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

}  // namespace

void for_each_command(const CLI::App& app,
                      const std::function<void(const CLI::App&, const std::string&)>& visit) {
  const std::function<void(const CLI::App&, const std::string&)> walk = [&](const CLI::App& command,
                                                                            const std::string& called) {
    visit(command, called);
    for (const auto* part : command.get_subcommands([](const CLI::App*) { return true; })) {
      if (!part->get_group().empty()) walk(*part, called + " " + part->get_name());
    }
  };
  walk(app, app.get_name());
}

std::string man_page(const CLI::App& app, const std::string& version) {
  const std::string name = app.get_name();
  std::string upper = name;
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
  const std::string words = app.get_description();
  const std::string first = words.substr(0, words.find('\n'));
  std::string page = ".TH " + roff(upper) + " 1 \"\" \"" + roff(name + " " + version) + "\"\n.SH NAME\n" +
                     roff(name) + " \\- " + roff(first) + "\n.SH SYNOPSIS\n\\fB" + roff(name) +
                     "\\fR \\fICOMMAND\\fR [\\fIARGUMENT\\fR]...\n.SH DESCRIPTION\n" + roff(words) +
                     "\n.SH COMMANDS AND OPTIONS\n";
  for_each_command(
      app, [&](const CLI::App& command, const std::string& called) { add_section(page, command, called); });
  return page;
}

std::string bash_completion(const CLI::App& app) {
  std::vector<std::string> commands;
  std::string lists;   // of each command what may follow
  std::string values;  // of each option that has a list
  for_each_command(app, [&](const CLI::App& command, const std::string& called) {
    if (command.get_parent() != nullptr) commands.push_back(quoted(called));
    std::vector<std::string> options, parts;
    for (const auto* option : shown(command, false)) {
      const auto names = names_of(*option);
      options.insert(options.end(), names.begin(), names.end());
      const auto choices = values_of(*option);
      if (choices.empty()) continue;
      std::vector<std::string> patterns;
      for (const auto& typed : names) patterns.push_back(quoted(called + " " + typed));
      values += "    " + joined(patterns, "|") + ") words=" + quoted(joined(choices, " ")) + " ;;\n";
    }
    for (const auto* part : command.get_subcommands([](const CLI::App*) { return true; })) {
      if (!part->get_group().empty()) parts.push_back(part->get_name());
    }
    lists += "    " + quoted(called) + ") options=" + quoted(joined(options, " ")) +
             " words=" + quoted(joined(parts, " ")) + " ;;\n";
  });
  const std::string function = "_" + app.get_name();
  return "# Completion for bash; made from the program's own description of its command line.\n" + function +
         "() {\n"
         "  local command=\"" +
         app.get_name() +
         "\" options=\"\" words=\"\" i\n"
         "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
         "    case \"$command ${COMP_WORDS[i]}\" in\n"
         "      " +
         joined(commands, "|") +
         ") command=\"$command ${COMP_WORDS[i]}\" ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$command\" in\n" +
         lists +
         "  esac\n"
         "  case \"$command ${COMP_WORDS[COMP_CWORD - 1]}\" in\n" +
         values +
         "  esac\n"
         "  [[ ${COMP_WORDS[COMP_CWORD]} != -* ]] || words=\"$options\"\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
         "}\n"
         "complete -o default -F " +
         function + " " + app.get_name() + "\n";
}

}  // namespace likeness::cli
