#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/commands.h"
#include "cli/gallery_options.h"
#include "cli/numbers.h"
#include "cli/photos.h"
#include "cli/progress_bar.h"
#include "likeness/core/output.h"
#include "likeness/core/text_file.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/gallery/exchange.h"
#include "likeness/gallery/face_review.h"
#include "likeness/gallery/vault.h"
#include "likeness/recognize/photo_stream.h"

namespace likeness::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Args {
  GalleryArgs gallery;
  std::vector<fs::path> inputs;
  std::string name;
  std::string other_name;
  std::int64_t face = 0;
  Review review = Review::kStandard;
  std::string review_name = "standard";
  bool encrypt = false;
  std::string store_as = "f32";
  std::string quality;
  std::string index_name;
  ModelOptions models;
  bool json = false;
  CalibrationOptions calibration;
  fs::path impostors;
  bool leave_one_out = false;
  std::optional<fs::path> exclude;
  fs::path file;
};

PhotoStream make_stream(const Args& args, const ModelPack& pack, FacesWanted faces, Quality quality) {
  StreamOptions options = args.models.stream_options();
  options.quality = quality;
  options.faces = faces;
  options.hash = true;
  return {args.models.detector_for(pack), pack, options};
}

/// Refuses a model that did not make the gallery's faces; over how many views they are averaged is theirs to
/// say.
void require_gallery_model(const Args& args, const EmbeddingSpace& gallery, const ModelPack& pack) {
  require_same_space(gallery, args.gallery.path.string(),
                     space_of(pack.contract, args.models.precision, gallery.quality),
                     "the model " + pack.contract.name);
}

void require_person(bool found, const std::string& name) {
  if (!found) throw Error(ErrorCode::kInputUnreadable, "nobody called " + name + " is enrolled");
}

// ---- add ----

PeopleList photos_to_enrol(const Args& args) {
  if (args.name.empty()) {
    bool folders = true;
    for (const fs::path& input : args.inputs) {
      std::error_code ignored;
      const bool folder = fs::is_directory(input, ignored);
      folders = folders && folder;
      if (!folder && fs::exists(input, ignored))
        throw std::invalid_argument("whose face is in " + input.string() + "? Say it with --name");
    }
    try {
      return list_people(args.inputs);
    } catch (const Error& error) {
      if (!folders) throw;
      throw Error(error.code(), std::string(error.what()) + "; one person's photos are enrolled with --name");
    }
  }
  PhotoList list = list_photos(args.inputs);
  PeopleList people;
  for (fs::path& photo : list.photos) people.photos.push_back({std::move(photo), args.name});
  people.failed = list.failed;
  return people;
}

/// Enrols photo by photo; what was printed is on the disk.
class Enroller {
 public:
  Enroller(GalleryStore& store, const Args& args, ProgressBar& bar) : store_(store), args_(args), bar_(bar) {}

  void take(const std::string& name, const PhotoFaces& photo) {
    Json line = {{"file", photo.file.string()}, {"person", name}};
    if (!photo.error.empty()) {
      ++unreadable_;
      bar_.say("likeness: " + photo.error);
      line["status"] = "unreadable";
    } else if (photo.chosen.empty()) {
      ++without_face_;
      line["status"] = "no face";
    } else {
      enrol(name, photo, line);
    }
    ++photos_;
    tell(line);
  }

  /// `failed`: names that could not be looked at, beside the photos taken.
  [[nodiscard]] Exit finish(std::size_t people, std::size_t failed) const {
    if (!args_.json) {
      std::cout << counted(added_, "face") << " enrolled of " << counted(people, "person") << "; " << known_
                << " known already, " << refused_ << " refused, " << without_face_ << " without a face, "
                << unreadable_ << " unreadable -> " << args_.gallery.path.string() << '\n';
    }
    if (photos_ > 0 && unreadable_ == photos_) return Exit::kNoInput;
    return unreadable_ + refused_ + failed > 0 ? Exit::kSomeInputsFailed : Exit::kDone;
  }

 private:
  void enrol(const std::string& name, const PhotoFaces& photo, Json& line) {
    const Face& detected = photo.faces[photo.chosen[0]];
    NewFace face;
    face.photo = photo.file.string();
    face.photo_hash = photo.sha256;
    face.box = detected.box;
    face.landmarks = detected.landmarks;
    face.quality = measure_quality(detected, photo.chips[0]);
    face.embedding = photo.embeddings[0];
    const auto findings = review_face(face.quality, photo.faces.size(), args_.review);
    line["findings"] = Json::array();
    for (const ReviewFinding& finding : findings) line["findings"].push_back(finding.what);
    line["quality"] = {{"size_px", face.quality.size_px},       {"sharpness", face.quality.sharpness},
                       {"brightness", face.quality.brightness}, {"yaw", face.quality.yaw},
                       {"score", face.quality.score},           {"faces", photo.faces.size()}};
    if (std::ranges::any_of(findings, &ReviewFinding::refuse)) {
      ++refused_;
      line["status"] = "refused";
      return;
    }
    const AddedFace added = store_.add_faces(name, std::span(&face, 1)).at(0);
    ++(added.is_new ? added_ : known_);
    line["status"] = added.is_new ? "enrolled" : "known";
    line["face"] = added.id;
    line["person"] = added.person;
    if (!added.is_new && added.person != name) {
      bar_.say("likeness: " + photo.file.string() + ": the same photo is enrolled already, as " +
               added.person);
    }
  }

  void tell(const Json& line) {
    if (args_.json) {
      std::cout << dump_line(line) << std::endl;  // flushed: a line told is a face kept
      return;
    }
    const std::string status = line["status"];
    if (!line.contains("findings") || (line["findings"].empty() && status == "enrolled")) {
      if (status == "no face") bar_.say(line["file"].get<std::string>() + ": no face found");
      return;
    }
    std::string words = line["file"].get<std::string>() + ": " + status;
    for (const auto& finding : line["findings"]) words += "; " + finding.get<std::string>();
    bar_.say(words);
  }

  GalleryStore& store_;
  const Args& args_;
  ProgressBar& bar_;
  std::size_t photos_ = 0, added_ = 0, known_ = 0, refused_ = 0, without_face_ = 0, unreadable_ = 0;
};

/// The gallery, which is made for `space` where it is new.
Gallery open_or_create(const Args& args, const EmbeddingSpace& space) {
  CreateOptions create;
  create.format = args.store_as == "int8" ? EmbeddingFormat::kInt8 : EmbeddingFormat::kF32;
  if (args.encrypt) {
    create.passphrase = gallery_passphrase(args.gallery.key_file);
    if (!create.passphrase) {
      throw std::invalid_argument("--encrypt needs a passphrase: --key-file FILE, or LIKENESS_GALLERY_KEY");
    }
  }
  return args.gallery.open_or_create(space, create);
}

Exit add(const Args& args) {
  const ModelPack pack = args.models.embedder();
  require_writable(args.gallery.path);
  const PeopleList people = photos_to_enrol(args);
  const Quality wanted = args.quality.empty() ? Quality::kSinglePass : *quality_from(args.quality);
  Gallery gallery = open_or_create(args, space_of(pack.contract, args.models.precision, wanted));
  const Quality quality = gallery.store().space().quality;
  if (!args.quality.empty() && quality != wanted) {
    throw Error(ErrorCode::kModelMismatch,
                args.gallery.path.string() + ": its faces were enrolled with --quality " +
                    std::string(to_string(quality)) + ", and so are new ones: leave --quality " +
                    args.quality + " away, or make a new gallery");
  }
  require_gallery_model(args, gallery.store().space(), pack);
  PhotoStream stream = make_stream(args, pack, FacesWanted::kMain, quality);
  std::vector<fs::path> photos;
  std::set<std::string> names;
  for (const LabelledPhoto& photo : people.photos) {
    photos.push_back(photo.file);
    names.insert(photo.label);
  }
  ProgressBar bar("enrolling");
  Enroller enroller(gallery.store(), args, bar);
  stream.run(
      PhotoSource::files(photos),
      [&](PhotoFaces&& photo) { enroller.take(people.photos[photo.index].label, photo); }, nullptr,
      bar.callback());
  return enroller.finish(names.size(), people.failed);
}

// ---- search ----

void print_answer(const Args& args, const PhotoFaces& photo, std::size_t i, const Identification& answer,
                  const NamingRule& rule) {
  const Face& face = photo.faces[photo.chosen[i]];
  const std::string name = answer.name.value_or("unknown");
  if (args.json) {
    std::cout << dump_line({{"file", photo.file.string()},
                            {"box", {face.box.left, face.box.top, face.box.right, face.box.bottom}},
                            {"score", face.score},
                            {"name", name},
                            {"probability", answer.probability ? Json(*answer.probability) : Json(nullptr)},
                            {"threshold", threshold_json(rule)},
                            {"nearest", match_json(answer.nearest)},
                            {"runner_up", match_json(answer.runner_up)}})
              << '\n';
    return;
  }
  char text[160];
  std::cout << photo.file.string() << "  " << name;
  if (answer.probability && answer.nearest) {
    std::snprintf(text, sizeof text, "   %.1f%% %s", *answer.probability * 100, answer.nearest->name.c_str());
    std::cout << text;
  }
  if (answer.nearest) {
    std::snprintf(text, sizeof text, "   alike %.3f ", answer.nearest->similarity);
    std::cout << text << answer.nearest->name;
    std::snprintf(text, sizeof text, " (%.3f ", answer.nearest->cosine);
    std::cout << text << answer.nearest->photo << ")";
  }
  if (answer.runner_up) {
    std::snprintf(text, sizeof text, "   then %.3f ", answer.runner_up->similarity);
    std::cout << text << answer.runner_up->name;
  }
  std::snprintf(text, sizeof text, "   at %.0f, %.0f", face.box.left, face.box.top);
  std::cout << text << '\n';
}

Exit search(const Args& args) {
  const auto kind = args.index_name.empty() ? std::nullopt : index_kind_from(args.index_name);
  const Gallery gallery = args.gallery.open(true, args.models.threads, kind);
  const ModelPack pack = args.models.embedder();
  const Quality quality = gallery.store().space().quality;
  require_gallery_model(args, gallery.store().space(), pack);
  const PhotoList list = list_photos(args.inputs);
  const auto view = view_of(gallery);
  const NamingRule rule = naming_rule(*view, pack.contract, args.models.precision);
  if (const std::string words = remark(rule); !words.empty()) std::cerr << "likeness: " << words << '\n';
  PhotoStream stream = make_stream(args, pack, FacesWanted::kAll, quality);
  ProgressBar bar("searching");
  InputCount inputs(list);
  stream.run(
      PhotoSource::files(list.photos),
      [&](PhotoFaces&& photo) {
        if (!inputs.count(photo, bar)) return;
        if (photo.chosen.empty() && !args.json) std::cout << photo.file.string() << "  no face\n";
        if (photo.chosen.empty()) return;
        const auto answers = identify(*view, rule, photo.averaged);
        for (std::size_t i = 0; i < answers.size(); ++i) print_answer(args, photo, i, answers[i], rule);
      },
      nullptr, bar.callback());
  return inputs.exit();
}

// ---- calibrate ----

/// Faces of strangers with what owns their numbers.
struct Strangers {
  std::vector<std::string> people;
  std::vector<std::string> photos;
  std::vector<std::string> hashes;
  Embeddings embeddings;
  Exit exit = Exit::kDone;
};

Strangers from_npz(const Args& args, const GalleryStore& store) {
  require_same_space(store.space(), args.gallery.path.string(), space_of_npz(args.impostors),
                     args.impostors.string());
  Strangers result;
  EmbeddingDataset dataset = read_embeddings(args.impostors);
  for (EmbeddingPart* part : {&dataset.train, &dataset.val}) {
    if (part->labels.empty()) continue;
    l2_normalize(part->embeddings);
    result.embeddings.dimension = part->embeddings.dimension;
    result.embeddings.values.insert(result.embeddings.values.end(), part->embeddings.values.begin(),
                                    part->embeddings.values.end());
    result.people.insert(result.people.end(), part->labels.begin(), part->labels.end());
    part->files.resize(part->labels.size());
    result.photos.insert(result.photos.end(), part->files.begin(), part->files.end());
  }
  result.hashes.resize(result.people.size());
  return result;
}

Strangers from_photos(const Args& args, const GalleryStore& store) {
  const ModelPack pack = args.models.embedder();
  const Quality quality = store.space().quality;
  require_gallery_model(args, store.space(), pack);
  PeopleList list = list_people({args.impostors}, true);
  // Photos directly in the folder: everybody is somebody else, called by the photo's name.
  for (const fs::path& photo : list.loose) list.photos.push_back({photo, photo.stem().string()});
  std::vector<fs::path> files;
  for (const LabelledPhoto& photo : list.photos) files.push_back(photo.file);
  PhotoStream stream = make_stream(args, pack, FacesWanted::kMain, quality);
  ProgressBar bar("strangers");
  InputCount inputs({files, list.failed});
  Strangers result;
  result.embeddings.dimension = store.space().dimension;
  stream.run(
      PhotoSource::files(files),
      [&](PhotoFaces&& photo) {
        if (!inputs.count(photo, bar) || photo.chosen.empty()) return;
        result.people.push_back(list.photos[photo.index].label);
        result.photos.push_back(photo.file.string());
        result.hashes.push_back(photo.sha256);
        const auto row = photo.averaged[0];
        result.embeddings.values.insert(result.embeddings.values.end(), row.begin(), row.end());
      },
      nullptr, bar.callback());
  result.exit = inputs.exit();
  return result;
}

std::set<std::string> excluded_by(const std::optional<fs::path>& file) {
  std::set<std::string> lines;
  if (!file) return lines;
  for (TextLine& line : read_text_lines(*file)) lines.insert(std::move(line.text));
  return lines;
}

Json calibration_json(const CalibrationReport& report, std::size_t excluded) {
  Json json = Json::parse(to_json(report.calibration));
  if (report.calibration.mate_faces == 0) {
    json["fnir"] = nullptr;
    json["fnir_reason"] = "no enrolled person has two faces";
  }
  json["left_out"] = {
      {"same_name", report.same_name}, {"same_photo", report.same_photo}, {"excluded", excluded}};
  json["look_alikes"] = Json::array();
  for (const LookAlike& one : report.look_alikes) {
    json["look_alikes"].push_back({{"person", one.person},
                                   {"photo", one.photo},
                                   {"enrolled", one.enrolled.name},
                                   {"similarity", one.enrolled.similarity},
                                   {"cosine", one.enrolled.cosine}});
  }
  return json;
}

void print_calibration(const CalibrationReport& report, std::size_t excluded) {
  const Calibration& c = report.calibration;
  const auto print = [](const char* format, auto... values) {
    char text[300];
    std::snprintf(text, sizeof text, format, values...);
    std::cout << text << '\n';
  };
  print("threshold   cosine %s   (95%%: %.4f to %.4f)", rounded_up(c.threshold).c_str(),
        c.threshold_interval.low, c.threshold_interval.high);
  print("strangers   %.2f%% of %zu faces of %zu people get a name; of as many others %.2f%% to %.2f%%",
        c.fpir * 100, c.impostor_faces, c.impostor_people, c.fpir_interval.low * 100,
        c.fpir_interval.high * 100);
  if (c.fnir < 0) print("enrolled    not measured: no enrolled person has two faces");
  if (c.fnir >= 0) print("enrolled    %.2f%% of %zu faces would stay unknown", c.fnir * 100, c.mate_faces);
  print("odds        the threshold is the best one where %.1f%% of the faces are strangers'",
        c.stranger_share * 100);
  if (!c.slope_fitted) {
    print(
        "            fewer than %zu enrolled faces have another of their person: the probability's slope is "
        "the "
        "model's usual one",
        kMinMates);
  }
  print("left out    %zu of enrolled people's names, %zu enrolled photos, %zu by --exclude", report.same_name,
        report.same_photo, excluded);
  std::cout << "most alike  (the same person? then --exclude them)\n";
  for (const LookAlike& one : report.look_alikes) {
    print("  %.3f  %s", one.enrolled.similarity, (one.photo + "  like  " + one.enrolled.name).c_str());
  }
}

Exit run_calibrate(const Args& args) {
  if (args.impostors.empty() != args.leave_one_out) {
    throw std::invalid_argument("say whom the gallery does not know: --impostors DIR, or --leave-one-out");
  }
  const auto excluded = excluded_by(args.exclude);
  ProgressBar bar("comparing");
  Exit exit = Exit::kDone;
  std::error_code ignored;
  if (fs::exists(args.gallery.path, ignored)) require_writable(args.gallery.path);
  std::size_t left_out = 0;
  CalibrationReport report;
  Gallery gallery = args.gallery.open(false, args.models.threads);
  if (args.leave_one_out) {
    report = calibrate_by_leaving_out(*gallery.view(), args.calibration, bar.callback());
  } else {
    const Strangers faces =
        named_as_npz(args.impostors) ? from_npz(args, gallery.store()) : from_photos(args, gallery.store());
    exit = faces.exit;
    std::vector<Stranger> strangers;
    for (std::size_t i = 0; i < faces.people.size(); ++i) {
      if (excluded.contains(faces.people[i]) || excluded.contains(faces.photos[i])) {
        ++left_out;
      } else {
        strangers.push_back({faces.embeddings[i], faces.people[i], faces.photos[i], faces.hashes[i]});
      }
    }
    report = calibrate_with(*gallery.view(), strangers, args.calibration, bar.callback());
    report.calibration.impostors = args.impostors.string();
  }
  gallery.set_calibration(report.calibration);
  if (args.json) {
    std::cout << dump_line(calibration_json(report, left_out)) << '\n';
  } else {
    print_calibration(report, left_out);
  }
  return exit;
}

// ---- the rest ----

Exit list(const Args& args) {
  const Gallery gallery = args.gallery.open(true);
  const GalleryStore* store = &gallery.store();
  const auto people = store->people();
  if (!args.name.empty()) {
    const auto person = store->find_person(args.name);
    require_person(person.has_value(), args.name);
    for (const StoredFace& face : store->faces(person->id)) {
      if (args.json) {
        std::cout << dump_line({{"face", face.id},
                                {"photo", face.photo},
                                {"sha256", face.photo_hash},
                                {"box", {face.box.left, face.box.top, face.box.right, face.box.bottom}},
                                {"size_px", face.quality.size_px},
                                {"sharpness", face.quality.sharpness},
                                {"brightness", face.quality.brightness},
                                {"yaw", face.quality.yaw},
                                {"added_ms", face.added_ms}})
                  << '\n';
      } else {
        std::cout << face.id << '\t' << face.photo << '\n';
      }
    }
    return Exit::kDone;
  }
  std::size_t width = 0;
  for (const Person& person : people) width = std::max(width, person.name.size());
  for (const Person& person : people) {
    if (args.json) {
      std::cout << dump_line({{"name", person.name}, {"faces", person.faces}}) << '\n';
    } else {
      std::cout << person.name << std::string(width + 2 - person.name.size(), ' ')
                << counted(static_cast<std::size_t>(person.faces), "face") << '\n';
    }
  }
  if (!args.json) {
    std::cout << people.size() << " people, "
              << counted(static_cast<std::size_t>(store->face_count()), "face") << ", model "
              << store->space().id() << " (" << store->space().precision << ")"
              << (store->encrypted() ? ", encrypted" : "") << '\n';
  }
  return Exit::kDone;
}

void report_done(const Args& args, Json line, const std::string& words) {
  if (args.json) {
    std::cout << dump_line(line) << std::endl;
  } else {
    std::cout << words << std::endl;
  }
}

Exit remove(const Args& args) {
  if (args.name.empty() == (args.face == 0)) throw std::invalid_argument("remove whom? A name, or --face ID");
  Gallery gallery = args.gallery.open(false);
  if (args.face != 0) {
    if (!gallery.remove_face(args.face)) {
      throw Error(ErrorCode::kInputUnreadable, "there is no face " + std::to_string(args.face));
    }
    report_done(args, {{"removed_face", args.face}}, "removed face " + std::to_string(args.face));
  } else {
    require_person(gallery.remove_person(args.name), args.name);
    report_done(args, {{"removed", args.name}}, "removed " + args.name);
  }
  return Exit::kDone;
}

Exit rename(const Args& args) {
  require_person(args.gallery.open(false).rename_person(args.name, args.other_name), args.name);
  report_done(args, {{"renamed", args.name}, {"to", args.other_name}},
              args.name + " is now " + args.other_name);
  return Exit::kDone;
}

Exit merge(const Args& args) {
  Gallery gallery = args.gallery.open(false);
  require_person(gallery.store().find_person(args.other_name).has_value(), args.other_name);
  require_person(gallery.merge_people(args.name, args.other_name), args.name);
  report_done(args, {{"merged", args.name}, {"into", args.other_name}}, args.name + " is " + args.other_name);
  return Exit::kDone;
}

Exit run_export(const Args& args) {
  require_writable(args.file);
  const std::size_t faces = export_gallery(args.gallery.open(true).store(), args.file);
  report_done(args, {{"faces", faces}, {"output", args.file.string()}},
              counted(faces, "face") + " -> " + args.file.string());
  return Exit::kDone;
}

Exit run_import(const Args& args) {
  require_writable(args.gallery.path);
  const EmbeddingSpace space = space_of_npz(args.file);
  Gallery gallery = open_or_create(args, space);
  require_same_space(gallery.store().space(), args.gallery.path.string(), space, args.file.string());
  const Imported imported = import_gallery(gallery.store(), args.file);
  report_done(
      args, {{"added", imported.added}, {"known", imported.known}},
      counted(imported.added, "face") + " added, " + std::to_string(imported.known) + " known already");
  return Exit::kDone;
}

Exit check(const Args& args) {
  const auto wrong = args.gallery.open(true).store().check();
  if (args.json) {
    std::cout << dump_line({{"ok", wrong.empty()}, {"problems", wrong}}) << '\n';
  } else {
    for (const std::string& line : wrong) std::cout << line << '\n';
    if (wrong.empty()) std::cout << args.gallery.path.string() << ": all is well\n";
  }
  return wrong.empty() ? Exit::kDone : Exit::kData;
}

// ---- options ----

CLI::App* subcommand(CLI::App& gallery, const char* name, const char* words, const char* example,
                     const std::shared_ptr<Args>& args, Exit (*run)(const Args&), Exit& exit) {
  CLI::App* command = gallery.add_subcommand(name, words);
  command->footer(std::string("Example: likeness gallery ") + name + " " + example);
  add_gallery_option(*command, args->gallery);
  add_json_option(*command, args->json);
  command->callback([args, run, &exit] {
    args->review = *review_from(args->review_name);
    exit = run(*args);
  });
  return command;
}

void add_photo_options(CLI::App& command, Args& args) {
  add_detector_options(command, args.models.detector);
  add_model_options(command, args.models);
  add_threads_option(command, args.models.threads);
}

void add_new_gallery_options(CLI::App& command, Args& args) {
  command.add_flag("--encrypt", args.encrypt,
                   "Where the gallery is new: encrypt names, paths and embeddings");
  command
      .add_option("--store", args.store_as,
                  "Where the gallery is new: embeddings as f32, or int8 (a quarter)")
      ->check(CLI::IsMember({"f32", "int8"}))
      ->capture_default_str();
}

}  // namespace

void add_gallery_command(CLI::App& app, Exit& exit) {
  CLI::App* gallery = app.add_subcommand("gallery", "People and their faces: enrol, find, calibrate");
  gallery->require_subcommand(1);
  gallery->footer(
      "Example: likeness gallery add my_photos --gallery people.gallery     (my_photos/PERSON/photo.jpg)");
  const auto args = std::make_shared<Args>();

  CLI::App* command =
      subcommand(*gallery, "add", "Enrol photos, or a folder with a folder per person",
                 "my_photos --gallery people.gallery     (my_photos/PERSON/photo.jpg)", args, add, exit);
  command->add_option("inputs", args->inputs, "Photos or folders")->required();
  command->add_option("--name", args->name, "Whose photos they are; without it, every subfolder is a person");
  command
      ->add_option("--review", args->review_name, "Refuse faces that are small, blurred, dark or turned away")
      ->check(CLI::IsMember({"off", "standard", "strict"}))
      ->capture_default_str();
  command
      ->add_option(
          "--quality", args->quality,
          "Where the gallery is new: look at each face once (single), or average over two views, or over "
          "four (best); `search` and all others do as the gallery does [single]")
      ->check(CLI::IsMember({"single", "two", "best"}));
  add_new_gallery_options(*command, *args);
  add_photo_options(*command, *args);

  command = subcommand(*gallery, "search", "Who is in the photos, or nobody",
                       "party.jpg --gallery people.gallery", args, search, exit);
  command->add_option("photos", args->inputs, "Photos, or folders of photos")->required();
  command->add_option("--index", args->index_name, "How to search; by default as fits the gallery's size")
      ->check(CLI::IsMember({"exact", "int8", "sketch"}));
  add_photo_options(*command, *args);

  command = subcommand(*gallery, "calibrate", "Find from which likeness on a face gets a name",
                       "--gallery people.gallery --impostors strangers/ --target-fpir 0.01", args,
                       run_calibrate, exit);
  command->add_option("--target-fpir", args->calibration.target_fpir, "Share of strangers who may get a name")
      ->check(CLI::Range(1e-9, 0.999999))
      ->capture_default_str();
  command->add_option(
      "--impostors", args->impostors,
      "Faces of people who are not enrolled: a folder (of a folder per person), or embeddings .npz");
  command->add_flag("--leave-one-out", args->leave_one_out,
                    "Instead: each enrolled person is a stranger to the others");
  command->add_option("--exclude", args->exclude, "File of names or photos to leave out, one a line");
  add_photo_options(*command, *args);

  command = subcommand(*gallery, "list", "Everybody, or one person's faces", "Ann --gallery people.gallery",
                       args, list, exit);
  command->add_option("name", args->name, "A person");
  command = subcommand(*gallery, "remove", "Remove a person or a face", "Ann --gallery people.gallery", args,
                       remove, exit);
  command->add_option("name", args->name, "A person");
  command->add_option("--face", args->face, "A face's number, as `list NAME` shows it");
  command = subcommand(*gallery, "rename", "Give a person another name",
                       "\"person 3\" Ann --gallery people.gallery", args, rename, exit);
  command->add_option("from", args->name, "Name now")->required();
  command->add_option("to", args->other_name, "New name")->required();
  command = subcommand(*gallery, "merge", "Two names, one person: give all faces to one",
                       "Annie Ann --gallery people.gallery", args, merge, exit);
  command->add_option("from", args->name, "Who will be gone")->required();
  command->add_option("into", args->other_name, "Who gets the faces")->required();
  command = subcommand(*gallery, "export", "Write all faces as .npz (not encrypted)",
                       "-o people.npz --gallery people.gallery", args, run_export, exit);
  command->add_option("-o,--output", args->file, "The .npz to write")->required();
  command =
      subcommand(*gallery, "import", "Enrol what export or embed wrote (of train and val, the train part)",
                 "people.npz --gallery people.gallery", args, run_import, exit);
  command->add_option("file", args->file, "The .npz to read")->required();
  add_new_gallery_options(*command, *args);
  subcommand(*gallery, "check", "Read everything and say what is wrong", "--gallery people.gallery", args,
             check, exit);
}

}  // namespace likeness::cli
