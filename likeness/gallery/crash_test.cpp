#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <thread>

#include "likeness/gallery/calibration.h"
#include "likeness/gallery/sqlite_store.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

const EmbeddingSpace kSpace{
    .contract = "{}", .contract_id = "test-model", .precision = "f32", .dimension = 128};

/// One change of the gallery. The worker tells it over a pipe before it begins, and again once it has
/// returned: killed between the two, before and after are both right, anything else is not.
struct Change {
  enum class What { kEnrol, kRemove, kMerge, kCalibrate } what = What::kEnrol;
  int person = 0;
  int into = 0;   // merge: who gets the person's photos
  int photo = 0;  // enrol
  bool returned = false;
};

/// Photo -> person. People are there as long as they have a photo.
using Content = std::map<int, int>;

Content after(Content content, const Change& change) {
  const auto has_photos = [&](int person) {
    return std::ranges::any_of(content, [&](const auto& entry) { return entry.second == person; });
  };
  switch (change.what) {
    case Change::What::kEnrol:
      content[change.photo] = change.person;
      break;
    case Change::What::kRemove:
      std::erase_if(content, [&](const auto& entry) { return entry.second == change.person; });
      break;
    case Change::What::kMerge:
      if (!has_photos(change.into)) break;  // nobody to merge into: refused
      for (auto& [photo, person] : content) {
        if (person == change.person) person = change.into;
      }
      break;
    case Change::What::kCalibrate:
      break;
  }
  return content;
}

std::string name_of(int person) { return "P" + std::to_string(person); }

std::string hash_of(int photo) {
  const std::string digits = std::to_string(photo);
  return std::string(64 - digits.size(), '0') + digits;
}

/// Reads every face; one that is there twice counts as wrong.
Content content_of(const GalleryStore& store) {
  Content content;
  for (const Person& person : store.people()) {
    for (const StoredFace& face : store.faces(person.id)) {
      const bool once = content.emplace(std::stoi(face.photo_hash), std::stoi(person.name.substr(1))).second;
      EXPECT_TRUE(once) << "photo " << face.photo_hash << " is there twice";
    }
  }
  EXPECT_EQ(content.size(), static_cast<std::size_t>(store.face_count()));
  return content;
}

/// Changes the gallery until it is killed; photo numbers start above `photo`.
[[noreturn]] void work(const fs::path& path, int pipe, std::uint32_t seed, int photo) {
  const Embeddings faces = synthetic_faces(50, 1, 128, seed);
  const auto store = open_sqlite_gallery(path);
  std::mt19937 random(seed);
  const auto tell = [&](const Change& change) {
    if (::write(pipe, &change, sizeof change) != sizeof change) ::_exit(1);
  };
  for (;;) {
    Change change;
    change.person = static_cast<int>(random() % 20);
    change.into = static_cast<int>(random() % 20);
    const auto dice = random() % 20;
    if (dice < 14) {
      change.photo = ++photo;
    } else if (dice < 16) {
      change.what = Change::What::kRemove;
    } else if (dice < 19 && change.person != change.into) {
      change.what = Change::What::kMerge;
    } else {
      change.what = Change::What::kCalibrate;
    }
    tell(change);
    if (change.what == Change::What::kEnrol) {
      NewFace face;
      face.photo_hash = hash_of(photo);
      face.embedding = faces[random() % faces.size()];
      store->add_faces(name_of(change.person), std::span(&face, 1));
    } else if (change.what == Change::What::kRemove) {
      store->remove_person(name_of(change.person));
    } else if (change.what == Change::What::kMerge) {
      store->merge_people(name_of(change.person), name_of(change.into));
    } else {
      Calibration calibration;
      calibration.slope = 1;
      store->set_note("calibration", to_json(calibration));
    }
    change.returned = true;
    tell(change);
  }
}

/// What is known of a gallery from what its worker told.
struct Told {
  Content content;
  std::optional<Change> begun;
  bool calibrated = false;
  int returned = 0;

  void learn(const Change& change) {
    begun = change.returned ? std::nullopt : std::optional(change);
    if (!change.returned) return;
    content = after(std::move(content), change);
    calibrated = calibrated || change.what == Change::What::kCalibrate;
    ++returned;
  }
};

TEST(KilledGallery, KeepsEveryAcknowledgedFace) {
  const int rounds = std::getenv("LIKENESS_LONG") ? 200 : 20;
  const fs::path folder = fs::path(::testing::TempDir()) / ("killed_" + std::to_string(::getpid()));
  fs::remove_all(folder);
  fs::create_directories(folder);
  const fs::path path = folder / "g.gallery";
  create_sqlite_gallery(path, kSpace);
  Told told;
  std::mt19937 random(2024);
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(pipe[0]);
      try {
        work(path, pipe[1], static_cast<std::uint32_t>(round), 1'000'000 * round);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "worker: %s\n", error.what());
      }
      ::_exit(1);  // never back into the test
    }
    ::close(pipe[1]);
    // Killed at some moment after some number of changes: however slow the machine is, work was going on.
    Change change;
    const auto enough = told.returned + 2 + static_cast<int>(random() % 30);
    while (told.returned < enough) {
      ASSERT_EQ(::read(pipe[0], &change, sizeof change), static_cast<ssize_t>(sizeof change))
          << "the worker ended";
      told.learn(change);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the worker ended by itself: " << WEXITSTATUS(status);
    while (::read(pipe[0], &change, sizeof change) == sizeof change) told.learn(change);
    ::close(pipe[0]);

    const auto store = open_sqlite_gallery(path);
    const auto wrong = store->check();
    ASSERT_TRUE(wrong.empty()) << wrong.front();
    Content found = content_of(*store);
    if (told.begun && found != told.content) {
      told.content = after(std::move(told.content), *told.begun);
    }
    ASSERT_EQ(found, told.content);
    if (told.calibrated) {
      const auto note = store->note("calibration");
      ASSERT_TRUE(note);
      EXPECT_EQ(calibration_from_json(*note, "note")->slope, 1);
    }
    told.begun.reset();
  }
  EXPECT_TRUE(told.calibrated);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace likeness
