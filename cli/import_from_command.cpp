#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/gallery_parts.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/core/atomic_file.h"
#include "likeness/core/output.h"
#include "serve/beast_server.h"
#include "serve/import/import_people.h"

namespace likeness::cli {
namespace {

struct ImportFromArgs {
  GalleryCommandArgs gallery;
  std::string server;
  std::string url;
  std::filesystem::path api_key_file;
  std::filesystem::path report;
};

/// The old server's key: from a file's first line, else from the environment; empty where there is none.
std::string api_key(const std::filesystem::path& file) {
  if (file.empty()) {
    const char* key = std::getenv("LIKENESS_API_KEY");
    return key == nullptr ? "" : key;
  }
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.empty())
    throw Error(ErrorCode::kInputUnreadable, file.string() + ": its first line is to be the server's key");
  return line;
}

/// A field of a CSV file (RFC 4180).
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

/// Tells what becomes of each photo, and keeps it for the report.
class ImportTeller {
 public:
  ImportTeller(const ImportFromArgs& args, ProgressBar& bar) : args_(args), bar_(bar) {}

  void tell(const serve::ImportedPhoto& photo) {
    const std::string status(to_string(photo.status));
    if (!args_.report.empty())
      rows_ += csv_field(photo.person) + "," + csv_field(photo.photo) + "," + status + "," +
               csv_field(photo.why) + "\n";
    const bool left =
        photo.status != serve::ImportStatus::kEnrolled && photo.status != serve::ImportStatus::kKnown;
    if (left) ++left_[status];
    if (args_.gallery.json) {
      nlohmann::ordered_json line{{"person", photo.person}, {"photo", photo.photo}, {"status", status}};
      if (photo.photo.empty()) line["photo"] = nullptr;
      if (!photo.why.empty()) line["why"] = photo.why;
      std::cout << dump_line(line) << std::endl;  // flushed: a line told is a face kept
    } else if (left || !photo.why.empty()) {
      bar_.say("likeness: " + photo.person + (photo.photo.empty() ? "" : ", photo " + photo.photo) + ": " +
               (photo.why.empty() ? status : photo.why));
    }
  }

  void write_report() const {
    if (!args_.report.empty()) write_file(args_.report, "person,photo,status,why\n" + rows_);
  }

  void sum_up(const serve::ImportSummary& sum) const {
    if (args_.gallery.json) return;
    std::cout << counted(sum.enrolled, "face") << " enrolled, " << sum.known << " known already, of "
              << counted(sum.people, "person") << " and " << counted(sum.photos, "photo") << " of "
              << args_.url << " -> " << args_.gallery.gallery.name() << '\n';
    const char* comma = "not brought: ";
    for (const auto& [status, count] : left_) {
      std::cout << comma << count << ' ' << status;
      comma = ", ";
    }
    if (sum.left > 0) std::cout << '\n';
  }

 private:
  const ImportFromArgs& args_;
  ProgressBar& bar_;
  std::map<std::string, std::size_t> left_;  // by status
  std::string rows_;
};

Exit import_from(const ImportFromArgs& args) {
  if (!args.report.empty()) require_writable(args.report);
  const CreateOptions create = args.gallery.create_options();
  serve::OldServerOptions options{.url = args.url, .key = api_key(args.api_key_file), .send = serve::send};
  const auto server = args.server == "compreface" ? serve::old_compreface(std::move(options))
                                                  : serve::old_deepstack(std::move(options));
  EnrolPlace place = enrol_place(args.gallery);
  const Recognizer recognizer(place.setup);
  require_place(place, recognizer);

  ProgressBar listing("listing");
  ProgressBar bar("importing");
  ImportTeller teller(args, bar);
  const auto opened = [&]() -> Gallery& {
    if (!place.gallery) place.gallery = args.gallery.gallery.open_or_create(recognizer.space(), create);
    return *place.gallery;
  };
  serve::ImportSummary sum;
  try {
    sum = serve::import_people(*server, recognizer, place.gallery ? &*place.gallery : nullptr, opened,
                               {.review = *review_from(args.gallery.review),
                                .each = [&](const serve::ImportedPhoto& photo) { teller.tell(photo); },
                                .listing = listing.callback(),
                                .progress = bar.callback()});
  } catch (const Error&) {
    teller.write_report();  // of what was done until then
    throw;
  }
  teller.write_report();
  teller.sum_up(sum);
  if (!server->gives_photos() && sum.left > 0)
    std::cerr << "likeness: " << args.server
              << " keeps no photos: enrol the people from yours with `likeness gallery add`, then run this "
                 "again to see who is missing\n";
  if (sum.left > 0 && sum.enrolled + sum.known == 0) return Exit::kNoInput;
  return sum.left > 0 ? Exit::kSomeInputsFailed : Exit::kDone;
}

}  // namespace

void add_import_from_command(CLI::App& app, Exit& exit) {
  const auto args = std::make_shared<ImportFromArgs>();
  CLI::App* command =
      app.add_subcommand("import-from", "Bring people over from another face server, by its own API");
  command->footer(
      "Example: likeness import-from compreface http://127.0.0.1:8000 --api-key-file key.txt --gallery "
      "people.gallery");
  command
      ->add_option(
          "server", args->server,
          "compreface: people with their photos; deepstack (CodeProject.AI too): it keeps no photos, "
          "so only who is missing is told")
      ->required()
      ->check(CLI::IsMember({"compreface", "deepstack"}));
  command->add_option("url", args->url, "Its address, such as http://127.0.0.1:8000")->required();
  command->add_option("--api-key-file", args->api_key_file,
                      "File whose first line is the key of its recognition service; else LIKENESS_API_KEY");
  command->add_option("--report", args->report,
                      "Write what became of each photo as CSV: person, photo, status, why");
  add_gallery_option(*command, args->gallery.gallery);
  add_review_option(*command, args->gallery);
  add_new_gallery_options(*command, args->gallery);
  add_photo_options(*command, args->gallery);
  add_json_option(*command, args->gallery.json);
  command->callback([args, &exit] { exit = import_from(*args); });
}

}  // namespace likeness::cli
