#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <random>
#include <thread>

#include "likeness/gallery/calibration.h"
#include "likeness/gallery/sqlite_store.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

const EmbeddingSpace kSpace{
    .contract_id = "test-model", .contract = "{}", .precision = "f32", .dimension = 128};

/// What the worker says over a pipe after a change has returned.
struct Acknowledged {
  char what = ' ';  // 'e' enrolled as person `a`, 'r' person `a` removed, 'm' person `a` merged into `b`, 'c'
                    // calibrated
  int a = 0;
  int b = 0;
  int photo = 0;
};

std::string name_of(int person) { return "P" + std::to_string(person); }

std::string hash_of(int photo) {
  std::string digits = std::to_string(photo);
  return std::string(64 - digits.size(), '0') + digits;
}

/// Changes the gallery until it is killed; photo numbers start at `photo`.
[[noreturn]] void work(const fs::path& path, int pipe, std::uint32_t seed, int photo) {
  const Embeddings faces = synthetic_faces(50, 1, 128, seed);
  const auto store = open_sqlite_gallery(path);
  std::mt19937 random(seed);
  const auto tell = [&](Acknowledged done) {
    if (::write(pipe, &done, sizeof done) != sizeof done) ::_exit(1);
  };
  for (;;) {
    const int a = static_cast<int>(random() % 20);
    const int b = static_cast<int>(random() % 20);
    const auto dice = random() % 20;
    if (dice < 16) {
      NewFace face;
      face.photo_hash = hash_of(++photo);
      face.embedding = faces[random() % faces.size()];
      store->add_faces(name_of(a), std::span(&face, 1));
      tell({'e', a, 0, photo});
    } else if (dice == 16) {
      // Told before as well: killed between the two, either is right.
      tell({'R', a, 0, 0});
      store->remove_person(name_of(a));
      tell({'r', a, 0, 0});
    } else if (dice < 19 && a != b) {
      tell({'M', a, b, 0});
      store->merge_people(name_of(a), name_of(b));
      tell({'m', a, b, 0});
    } else {
      Calibration calibration;
      calibration.slope = 1;
      store->set_note("calibration", to_json(calibration));
      tell({'c', 0, 0, 0});
    }
  }
}

/// Photos that must be there, and whose. A removal that was begun may or may not have happened.
struct Expected {
  std::map<int, int> person_of;
  std::map<int, int> begun_merges;  // from -> into
  std::map<int, bool> begun_removals;

  void learn(const Acknowledged& done) {
    if (done.what == 'e') person_of[done.photo] = done.a;
    if (done.what == 'R') begun_removals[done.a] = true;
    if (done.what == 'r') {
      std::erase_if(person_of, [&](const auto& entry) { return entry.second == done.a; });
      begun_removals.clear();
    }
    if (done.what == 'M') begun_merges[done.a] = done.b;
    if (done.what == 'm') {
      const bool target = std::ranges::any_of(person_of, [&](const auto& e) { return e.second == done.b; });
      for (auto& [photo, person] : person_of) {
        if (person == done.a && target) person = done.b;
      }
      begun_merges.clear();
    }
  }
};

TEST(KilledGallery, KeepsEveryAcknowledgedFace) {
  const int rounds = std::getenv("LIKENESS_LONG") ? 200 : 20;
  const fs::path folder = fs::path(::testing::TempDir()) / ("killed_" + std::to_string(::getpid()));
  fs::remove_all(folder);
  fs::create_directories(folder);
  const fs::path path = folder / "g.gallery";
  create_sqlite_gallery(path, kSpace);
  Expected expected;
  std::mt19937 random(2024);
  int acknowledged = 0;
  for (int round = 0; round < rounds; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(pipe[0]);
      work(path, pipe[1], static_cast<std::uint32_t>(round), 1'000'000 * round);
    }
    ::close(pipe[1]);
    // Killed at some moment after some number of changes: however slow the machine is, work was going on.
    Acknowledged done;
    for (auto changes = 2 + random() % 30; changes > 0; --changes) {
      ASSERT_EQ(::read(pipe[0], &done, sizeof done), static_cast<ssize_t>(sizeof done)) << "the worker ended";
      expected.learn(done);
      ++acknowledged;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the worker ended by itself: " << WEXITSTATUS(status);
    while (::read(pipe[0], &done, sizeof done) == sizeof done) {
      expected.learn(done);
      ++acknowledged;
    }
    ::close(pipe[0]);

    const auto store = open_sqlite_gallery(path);
    const auto wrong = store->check();
    ASSERT_TRUE(wrong.empty()) << "round " << round << ": " << wrong.front();
    Expected settled;
    for (const auto& [photo, person] : expected.person_of) {
      const auto faces = store->faces_of_photo(hash_of(photo));
      if (faces.empty() && expected.begun_removals.contains(person)) continue;
      ASSERT_EQ(faces.size(), 1U) << "round " << round << ": photo " << photo << " of " << person
                                  << " is lost";
      const auto owner = store->find_person(faces[0].person);
      ASSERT_TRUE(owner);
      const auto merge = expected.begun_merges.find(person);
      const bool merged = merge != expected.begun_merges.end() && owner->name == name_of(merge->second);
      EXPECT_TRUE(merged || owner->name == name_of(person)) << owner->name << " has a photo of " << person;
      settled.person_of[photo] = std::stoi(owner->name.substr(1));
    }
    expected = settled;
  }
  EXPECT_GT(acknowledged, rounds);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace likeness
