#include <algorithm>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/gallery_parts.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "cli/standard_input.h"
#include "likeness/core/output.h"
#include "likeness/gallery/store_checks.h"
#include "likeness/recognize/recognizer.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

PeopleList photos_to_enrol(const GalleryCommandArgs& args) {
  if (args.name.empty()) {
    bool folders = true;
    for (const fs::path& input : args.inputs) {
      std::error_code ignored;
      const bool folder = fs::is_directory(input, ignored);
      folders = folders && folder;
      if (!folder && fs::exists(input, ignored))
        throw std::invalid_argument("whose face is in " + called(input) + "? Say it with --name");
    }
    try {
      return list_people(args.inputs, false, args.json);
    } catch (const Error& error) {
      if (!folders) throw;
      const Error more(error.code(),
                       std::string(error.what()) + "; one person's photos are enrolled with --name");
      if (args.json) throw ToldError(more);
      throw Error(more);
    }
  }
  const std::string name = checked_name(args.name);
  PhotoList list = list_photos(args.inputs, args.json);
  PeopleList people;
  for (fs::path& photo : list.photos) people.photos.push_back({std::move(photo), name});
  people.failed = list.failed;
  return people;
}

/// Tells what becomes of each photo, and sums up.
class Teller {
 public:
  Teller(const GalleryCommandArgs& args, ProgressBar& bar) : args_(args), bar_(bar) {}

  void tell(const EnrolledPhoto& photo, const std::string& wanted) {
    if (!photo.error.empty()) bar_.say("likeness: " + photo.error);
    const bool refused = photo.status == EnrolStatus::kRefused;
    for (const ReviewFinding& finding : photo.findings) {
      if (finding.refuse == refused) ++(refused ? refusals_ : remarks_)[finding.kind];
    }
    if (photo.status == EnrolStatus::kKnown && photo.person != wanted)
      bar_.say("likeness: " + photo.photo + ": the same photo is enrolled already, as " + photo.person);
    if (args_.json) {
      std::cout << dump_line(json_of(photo)) << std::endl;  // flushed: a line told is a face kept
      return;
    }
    const bool remarkable = photo.error.empty() && (photo.status == EnrolStatus::kNoFace || refused);
    if (remarkable || (args_.verbose && photo.error.empty())) bar_.say(words_of(photo));
  }

  void sum_up(const EnrolSummary& sum, std::size_t people) const {
    if (args_.json) return;
    std::cout << counted(sum.enrolled, "face") << " enrolled of " << counted(people, "person") << "; "
              << sum.known << " known already, " << sum.refused << " refused, " << sum.without_face
              << " without a face, " << sum.unreadable << " unreadable -> " << args_.gallery.name() << '\n';
    tell_kinds("refused because", refusals_);
    tell_kinds("remarks on enrolled faces", remarks_);
    if (!args_.verbose && !remarks_.empty()) std::cout << "--verbose tells of each photo\n";
  }

 private:
  static Json json_of(const EnrolledPhoto& photo) {
    Json line = {{"file", photo.photo}, {"person", photo.person}, {"status", to_string(photo.status)}};
    if (!photo.error.empty()) line["error"] = photo.error;
    if (!photo.quality) return line;
    line["findings"] = Json::array();
    for (const ReviewFinding& finding : photo.findings) line["findings"].push_back(finding.what);
    const FaceQuality& q = *photo.quality;
    line["quality"] = {{"size_px", q.size_px}, {"sharpness", q.sharpness}, {"brightness", q.brightness},
                       {"yaw", q.yaw},         {"score", q.score},         {"faces", photo.faces}};
    if (photo.face != 0) line["face"] = photo.face;
    return line;
  }

  static std::string words_of(const EnrolledPhoto& photo) {
    if (photo.status == EnrolStatus::kNoFace) return photo.photo + ": no face found";
    std::string words = photo.photo + ": " + std::string(to_string(photo.status));
    for (const ReviewFinding& finding : photo.findings) words += "; " + finding.what;
    return words;
  }

  static void tell_kinds(const char* what, const std::map<std::string, std::size_t>& kinds) {
    if (kinds.empty()) return;
    std::cout << what << ": ";
    const char* comma = "";
    for (const auto& [kind, count] : kinds) {
      std::cout << comma << kind << " (" << count << ')';
      comma = ", ";
    }
    std::cout << '\n';
  }

  const GalleryCommandArgs& args_;
  ProgressBar& bar_;
  std::map<std::string, std::size_t> refusals_;  // by kind
  std::map<std::string, std::size_t> remarks_;
};

}  // namespace

EnrolPlace enrol_place(const GalleryCommandArgs& args) {
  args.gallery.require_writable();
  EnrolPlace place;
  if (args.gallery.exists()) place.gallery = args.gallery.open(false);
  place.setup = place.gallery ? models_for(place.gallery->store().space(), args.models) : args.models;
  if (!args.quality.empty()) place.setup.quality = *quality_from(args.quality);
  if (place.gallery) {
    const Quality quality = place.gallery->store().space().quality;
    if (!args.quality.empty() && quality != place.setup.quality) {
      throw Error(ErrorCode::kModelMismatch,
                  place.gallery->store().name() + ": its faces were enrolled with --quality " +
                      std::string(to_string(quality)) + ", and so are new ones: leave --quality " +
                      args.quality + " away, or make a new gallery");
    }
    place.setup.quality = quality;
  }
  return place;
}

void require_place(const EnrolPlace& place, const Recognizer& recognizer) {
  if (!place.gallery) return;
  const GalleryStore& store = place.gallery->store();
  require_same_space(store.space(), store.name(), recognizer.space(),
                     "the model " + recognizer.setup().model);
}

Exit gallery_add(const GalleryCommandArgs& args) {
  if (args.xmp) return gallery_add_tagged(args);
  const CreateOptions create = args.create_options();
  EnrolPlace place = enrol_place(args);
  std::optional<Gallery>& gallery = place.gallery;
  const Recognizer recognizer(place.setup);
  require_place(place, recognizer);
  const PeopleList people = photos_to_enrol(args);
  std::set<std::string> names;
  std::vector<fs::path> files;
  for (const LabelledPhoto& photo : people.photos) {
    names.insert(photo.label);
    files.push_back(photo.file);
  }

  ProgressBar bar("enrolling");
  Teller teller(args, bar);
  std::size_t next = 0;
  const auto opened = [&]() -> Gallery& {
    if (!gallery) gallery = args.gallery.open_or_create(recognizer.space(), create);
    return *gallery;
  };
  const EnrolSummary sum = recognizer.enrol(
      opened, PhotoList{files}.source(), [&](std::size_t i) { return people.photos[i].label; },
      {.review = *review_from(args.review),
       .each = [&](const EnrolledPhoto& photo) { teller.tell(photo, people.photos[next++].label); },
       .progress = bar.callback()});
  teller.sum_up(sum, names.size());
  if (sum.photos > 0 && sum.unreadable == sum.photos) return Exit::kNoInput;
  return sum.unreadable + sum.refused + people.failed > 0 ? Exit::kSomeInputsFailed : Exit::kDone;
}

}  // namespace likeness::cli
