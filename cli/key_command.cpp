#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/photos.h"
#include "serve/auth.h"

namespace likeness::cli {
namespace {

struct KeyArgs {
  std::filesystem::path file;
  std::string name;
  std::string right = "search";
  std::vector<std::string> galleries;
  std::string id;
  bool json = false;
};

std::string galleries_of(const serve::Key& key) {
  if (key.galleries.empty()) return "all galleries";
  std::string words;
  for (const std::string& gallery : key.galleries) words += (words.empty() ? "" : ", ") + gallery;
  return words;
}

nlohmann::ordered_json json_of(const serve::Key& key) {
  return {{"id", key.id},
          {"name", key.name},
          {"right", serve::to_string(key.right)},
          {"galleries", key.galleries},
          {"made_ms", key.made_ms}};
}

Exit add(const KeyArgs& args) {
  const serve::NewKey made =
      serve::add_key(args.file, args.name, *serve::right_from(args.right), args.galleries);
  if (args.json) {
    auto line = json_of(made.key);
    line["key"] = made.text;
    std::cout << dump_line(line) << std::endl;
  } else {
    std::cout << made.text << std::endl;
    std::cerr << "likeness: this key is shown once and not kept; it may " << args.right << " in "
              << galleries_of(made.key) << '\n';
  }
  return Exit::kDone;
}

Exit list(const KeyArgs& args) {
  for (const serve::Key& key : serve::read_keys(args.file)) {
    if (args.json) {
      std::cout << dump_line(json_of(key)) << '\n';
    } else {
      std::cout << key.id << "  " << serve::to_string(key.right) << "  " << galleries_of(key) << "  "
                << key.name << '\n';
    }
  }
  return Exit::kDone;
}

Exit withdraw(const KeyArgs& args) {
  if (!serve::withdraw_key(args.file, args.id))
    throw Error(ErrorCode::kInputUnreadable, args.file.string() + ": there is no key " + args.id);
  if (args.json) {
    std::cout << dump_line({{"withdrawn", args.id}}) << std::endl;
  } else {
    std::cout << "withdrew key " << args.id << std::endl;
  }
  return Exit::kDone;
}

CLI::App* subcommand(CLI::App& key, const char* name, const char* words, const std::string& example,
                     const std::shared_ptr<KeyArgs>& args, Exit (*run)(const KeyArgs&), Exit& exit) {
  CLI::App* command = key.add_subcommand(name, words);
  command->footer("Example: likeness key " + std::string(name) + " " + example);
  command->add_option("--keys", args->file, "The file of keys; `add` makes it where there is none")
      ->required();
  add_json_option(*command, args->json);
  command->callback([args, run, &exit] { exit = run(*args); });
  return command;
}

}  // namespace

void add_key_command(CLI::App& app, Exit& exit) {
  CLI::App* key = app.add_subcommand("key", "Keys for the service: make, list, withdraw");
  key->require_subcommand(1);
  key->footer("Example: likeness key add --keys keys.json --name door --right search");
  const auto args = std::make_shared<KeyArgs>();

  CLI::App* command = subcommand(*key, "add", "Make a key and show it, once",
                                 "--keys keys.json --name door --right search", args, add, exit);
  command->add_option("--name", args->name, "Whose key it is, in words")->required();
  command
      ->add_option("--right", args->right,
                   "What it may do: observe (metrics), search, enrol (people too), administer (everything)")
      ->check(CLI::IsMember({"observe", "search", "enrol", "administer"}))
      ->capture_default_str();
  command->add_option("--gallery", args->galleries,
                      "Only for this gallery, by its name; may be given more than once");
  subcommand(*key, "list", "Show whose keys there are, without the keys", "--keys keys.json", args, list,
             exit);
  command = subcommand(*key, "withdraw", "Make a key worthless, from the next request on",
                       "1f3870be --keys keys.json", args, withdraw, exit);
  command->add_option("id", args->id, "The key's id, as `list` shows it")->required();
}

}  // namespace likeness::cli
