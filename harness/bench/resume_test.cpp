// A run that ended early goes on where it stood, whatever happened to its files meanwhile.
#include "harness/bench/brief_sample.hpp"
#include "harness/bench/recovery.hpp"
#include "harness/bench/run.hpp"
#include "harness/bench/usage.hpp"
#include "harness/measure/command.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

RunPlan small_plan() {
  RunPlan plan;
  plan.entries = {{"thread_local", "thread_local", "epoll", "", 1}, {"raw_epoll", "raw_epoll", "epoll", "", 1}};
  plan.cells = {{"accept_churn", {{"conns", 16}, {"payload", 64}}}, {"idle_memory", {{"conns", 50}}}};
  plan.tier = "smoke";
  plan.rounds = 3;
  plan.seed = 7;
  return plan;
}

Sample sample_for(const RunPlan& plan, const Slot& slot) {
  const Entry& entry = plan.entries[slot.entry];
  Sample sample;
  sample.impl = entry.label;
  sample.backend = entry.backend;
  sample.locking = entry.locking;
  sample.cell = plan.cells[slot.cell];
  sample.round = slot.round;
  sample.position = slot.position;
  sample.ops = 10 + slot.round;
  sample.wall_ns = 1000;
  sample.verified = true;
  sample.provenance = "d1";
  return sample;
}

std::string line_of(const Sample& sample) { return to_json(sample).dump() + "\n"; }

class Resume : public testing::Test {
 protected:
  const RunPlan plan_ = small_plan();
  const std::vector<Slot> schedule_ = schedule_of(plan_);

  [[nodiscard]] std::string lines(std::size_t count) const {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += line_of(sample_for(plan_, schedule_[i]));
    return text;
  }
  [[nodiscard]] Recovery recovered(const std::string& text) const { return recover(text, plan_, schedule_, "d1"); }
};

TEST_F(Resume, TheScheduleHasEverySampleOnceAndIsRepeatable) {
  std::set<std::tuple<std::size_t, std::size_t, std::size_t>> seen;
  std::set<std::uint64_t> seeds;
  for (const Slot& slot : schedule_) seen.insert({slot.round, slot.cell, slot.entry}), seeds.insert(slot.seed);
  EXPECT_EQ(schedule_.size(), 3U * 2 * 2);
  EXPECT_EQ(seen.size(), schedule_.size());
  EXPECT_EQ(seeds.size(), schedule_.size());
  const auto again = schedule_of(plan_);
  for (std::size_t i = 0; i < again.size(); ++i) {
    EXPECT_EQ(again[i].entry, schedule_[i].entry);
    EXPECT_EQ(slot_of(plan_, schedule_, sample_for(plan_, schedule_[i])), i);
  }
}

TEST_F(Resume, CellsWithoutControlsHaveFewerSlots) {
  RunPlan plan = plan_;
  plan.entries.push_back({"raw_epoll#again", "raw_epoll", "epoll", "", 1});
  plan.uncontrolled = {0};
  const auto schedule = schedule_of(plan);
  ASSERT_EQ(schedule.size(), 3U * (2 + 3));
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    EXPECT_LT(schedule[i].entry, schedule[i].cell == 0 ? 2U : 3U);
    EXPECT_EQ(slot_of(plan, schedule, sample_for(plan, schedule[i])), i);
  }
  Sample of_a_cell_without = sample_for(plan, {.round = 0, .cell = 0, .position = 0, .entry = 2, .seed = 0});
  EXPECT_EQ(slot_of(plan, schedule, of_a_cell_without), std::nullopt);
}

TEST_F(Resume, AnInterruptedRunKeepsWhatItHas) {
  const Recovery found = recovered(lines(5));
  EXPECT_EQ(found.kept, 5U);
  EXPECT_TRUE(found.damage.empty());
  EXPECT_EQ(found.good_lines, lines(5));
  for (std::size_t i = 0; i < schedule_.size(); ++i) EXPECT_EQ(found.samples[i].has_value(), i < 5) << i;
}

TEST_F(Resume, ALineThatWasCutOffIsNamedAndMeasuredAgain) {
  const std::string whole = lines(4);
  const Recovery found = recovered(whole.substr(0, whole.size() - 30));
  EXPECT_EQ(found.kept, 3U);
  EXPECT_EQ(found.good_lines, lines(3));
  ASSERT_EQ(found.damage.size(), 1U);
  EXPECT_TRUE(found.damage[0].starts_with("samples.jsonl:4: not JSON")) << found.damage[0];
  EXPECT_FALSE(found.samples[3].has_value());
}

TEST_F(Resume, ALostNewlineLosesNoSample) {
  std::string text = lines(2);
  text.pop_back();
  EXPECT_EQ(recovered(text).kept, 2U);
  EXPECT_EQ(recovered(text).good_lines, lines(2)) << "the next sample begins on a line of its own";
}

TEST_F(Resume, EveryKindOfDamageHasItsName) {
  Sample foreign_cell = sample_for(plan_, schedule_[1]), foreign_place = foreign_cell, empty = foreign_cell;
  foreign_cell.cell.params["conns"] = 17;
  foreign_place.round = 99;
  empty.ops = 0;
  const std::vector<std::pair<std::string, std::string>> damages = {{"\x01\xff\n", "not JSON"},
                                                                    {"{\"schema\":2}\n", "no sample"},
                                                                    {"[1]\n", "no sample"},
                                                                    {"\n", "not JSON"},
                                                                    {line_of(foreign_cell), "not in the plan"},
                                                                    {line_of(foreign_place), "not in the plan"},
                                                                    {line_of(empty), "without numbers"},
                                                                    {lines(1), "same sample as in line 1"}};
  for (const auto& [line, name] : damages) {
    const Recovery found = recovered(lines(1) + line + line_of(sample_for(plan_, schedule_[2])));
    EXPECT_EQ(found.kept, 2U) << name;
    ASSERT_EQ(found.damage.size(), 1U) << name;
    EXPECT_NE(found.damage[0].find("samples.jsonl:2: "), std::string::npos) << found.damage[0];
    EXPECT_NE(found.damage[0].find(name), std::string::npos) << found.damage[0];
    EXPECT_EQ(found.damaged_lines, line) << name;
  }
}

TEST_F(Resume, VoidAndNotApplicableSamplesAreMeasured) {
  Sample is_void = sample_for(plan_, schedule_[0]), absent = sample_for(plan_, schedule_[1]);
  is_void.void_reason = "the server died";
  absent.not_applicable = "no native form";
  const Recovery found = recovered(line_of(is_void) + line_of(absent));
  EXPECT_EQ(found.kept, 2U);
  EXPECT_EQ(found.samples[0]->void_reason, "the server died");
  EXPECT_EQ(found.samples[1]->not_applicable, "no native form");
}

TEST_F(Resume, SamplesOfAnotherRunAreRefused) {
  Sample other = sample_for(plan_, schedule_[1]);
  other.provenance = "d2";
  try {
    (void)recovered(lines(1) + line_of(other));
    FAIL() << "two runs in one file";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("samples.jsonl:2 is a sample of another run"), std::string::npos) << error.what();
  }
}

TEST_F(Resume, ThePlanSurvivesItsJson) {
  RunPlan plan = plan_;
  plan.server_cpu = 0;
  EXPECT_EQ(to_json(plan_from_json(to_json(plan))), to_json(plan));
  EXPECT_EQ(to_json(plan_from_json(to_json(plan_))), to_json(plan_)) << "without CPUs";
  for (const auto& [key, value] : std::vector<std::pair<const char*, nlohmann::json>>{
           {"entries", nlohmann::json::array()},
           {"rounds", 0},
           {"cells", {{{"workload", "smoke_signals"}, {"params", {}}}}},
           {"seed", "x"},
           {"entries", {{{"impl", "nobody"}, {"backend", ""}, {"locking", ""}, {"workers", 1}}}}}) {
    nlohmann::json broken = to_json(plan);
    broken[key] = value;
    EXPECT_THROW((void)plan_from_json(broken), std::runtime_error) << broken;
  }
}

TEST_F(Resume, AnotherBinaryOrMachineIsRefusedWithARemedy) {
  const nlohmann::json now = {{"build", {{"binary", "sha256:1"}, {"commit", "c1"}}}, {"machine", {{"cpus", 2}, {"kernel", "a"}}}};
  EXPECT_EQ(obstacle_to_resuming(now, now), "");
  nlohmann::json then = now;
  then["build"]["commit"] = "c0";
  EXPECT_EQ(obstacle_to_resuming(then, now), "") << "only the binary counts";
  then["build"]["binary"] = "sha256:2";
  EXPECT_NE(obstacle_to_resuming(then, now).find("another binary (sha256:2 of commit c0"), std::string::npos);
  EXPECT_NE(obstacle_to_resuming(then, now).find("--out=DIR"), std::string::npos);
  then = now;
  then["machine"]["kernel"] = "b";
  EXPECT_NE(obstacle_to_resuming(then, now).find("(kernel)"), std::string::npos);
}

/// A run in a folder of its own, interrupted before its first sample but for what the test writes.
class ResumeRun : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(path_);
    std::vector<std::string> notes;
    RunOptions options;
    options.impls = {"raw_epoll"};
    options.workload = "accept_churn";
    options.tier = "smoke";
    options.seed = 3;
    options.out = path_;
    bench::Run run = begin_run(options, notes);
    for (const Slot& slot : run.schedule) {
      Sample sample = sample_for(run.plan, slot);
      sample.provenance = run.digest();
      run.folder.append(sample);
    }
    samples_ = run.schedule.size();
  }
  void TearDown() override { std::filesystem::remove_all(path_); }

  [[nodiscard]] std::string error_of_resuming() const {
    try {
      std::vector<std::string> notes;
      (void)resume_run(path_, notes);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  }
  [[nodiscard]] static std::string read(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  [[nodiscard]] nlohmann::json provenance() const { return nlohmann::json::parse(read(path_ / "provenance.json")); }
  void write_provenance(const nlohmann::json& json) const { std::ofstream(path_ / "provenance.json") << json; }

  const std::filesystem::path path_ =
      std::filesystem::path(testing::TempDir()) / ("reactorlab-resume-" + std::to_string(::getpid()));
  std::size_t samples_ = 0;
};

TEST_F(ResumeRun, GoesOnWithItsOwnPlan) {
  std::vector<std::string> notes;
  const bench::Run run = resume_run(path_, notes);
  EXPECT_EQ(run.measured().size(), samples_);
  EXPECT_TRUE(run.missing().empty());
  EXPECT_EQ(run.plan.seed, 3U);
  EXPECT_EQ(provenance().at("resumed").size(), 1U) << "a reader of the results should know";
}

TEST_F(ResumeRun, DamageGoesAsideAndItsSampleIsMissing) {
  const std::string before = read(path_ / "samples.jsonl");
  const std::string torn = before.substr(0, before.size() - 10);
  std::ofstream(path_ / "samples.jsonl") << torn;
  {
    std::vector<std::string> notes;
    const bench::Run run = resume_run(path_, notes);
    EXPECT_EQ(run.missing(), std::vector<std::size_t>{samples_ - 1});
    ASSERT_FALSE(notes.empty());
    EXPECT_NE(notes[0].find("samples.jsonl:2: not JSON"), std::string::npos) << notes[0];
  }
  const std::size_t last_line = torn.rfind('\n') + 1;
  EXPECT_EQ(read(path_ / "samples.jsonl"), torn.substr(0, last_line));
  EXPECT_EQ(read(path_ / "samples.jsonl.damaged"), torn.substr(last_line) + "\n");
}

TEST_F(ResumeRun, AnotherBinaryOrPlanOrSchemaIsRefused) {
  const nlohmann::json good = provenance();
  nlohmann::json bad = good;
  bad["build"]["binary"] = "sha256:0";
  write_provenance(bad);
  EXPECT_NE(error_of_resuming().find("another binary"), std::string::npos) << error_of_resuming();
  bad = good;
  bad["plan"]["cells"][0]["workload"] = "smoke_signals";
  write_provenance(bad);
  EXPECT_NE(error_of_resuming().find("no workload 'smoke_signals'"), std::string::npos) << error_of_resuming();
  bad = good;
  bad["schema"] = 1;
  bad.erase("plan");
  write_provenance(bad);
  EXPECT_NE(error_of_resuming().find("schema 1"), std::string::npos) << error_of_resuming();
  bad = good;
  bad["plan"]["cells"][0]["params"]["conns"] = 99;
  write_provenance(bad);
  std::vector<std::string> notes;
  EXPECT_TRUE(resume_run(path_, notes).measured().empty()) << "samples of other cells don't count";
}

TEST_F(ResumeRun, WhereThereIsNoRunIsAUsageError) {
  std::filesystem::remove(path_ / "provenance.json");
  std::vector<std::string> notes;
  EXPECT_THROW((void)resume_run(path_, notes), UsageError);
  std::ofstream(path_ / "provenance.json") << "{ torn";
  EXPECT_NE(error_of_resuming().find("its plan is lost"), std::string::npos) << error_of_resuming();
}

/// `bench run` as a process of its own, whose standard error is read until it says something.
class KilledRun {
 public:
  explicit KilledRun(std::vector<std::string> words) {
    if (::pipe2(pipe_, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    words.insert(words.begin(), bench_binary().string());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, pipe_[1], STDERR_FILENO);
    const int error = ::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(pipe_[1]);
    if (error != 0) throw std::runtime_error("bench can't be started");
  }
  ~KilledRun() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::close(pipe_[0]);
  }
  KilledRun(const KilledRun&) = delete;
  KilledRun& operator=(const KilledRun&) = delete;

  /// False: it ended before.
  [[nodiscard]] bool wait_until_it_says(const std::string& words) {
    std::array<char, 256> chunk;
    while (text_.find(words) == std::string::npos) {
      const ssize_t n = ::read(pipe_[0], chunk.data(), chunk.size());
      if (n <= 0) return false;
      text_.append(chunk.data(), static_cast<std::size_t>(n));
    }
    return true;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  int pipe_[2] = {-1, -1};
  pid_t pid_ = -1;
  std::string text_;
};

TEST(KilledRunResumed, GoesOnInTheOrderOfARunThatWasNotInterrupted) {
  if (!std::filesystem::exists(bench_binary())) GTEST_SKIP() << "bench isn't built";
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / ("reactorlab-killed-" + std::to_string(::getpid()));
  std::filesystem::remove_all(path);
  {
    KilledRun run({"run", "--tier=smoke", "--impl=thread_local,arc_mutex", "--workload=tcp_echo", "--conns=8", "--rounds=3",
                   "--seed=5", "--out=" + path.string()});
    ASSERT_TRUE(run.wait_until_it_says("round 2 of 3")) << run.text();
  }  // the second round's first sample has begun, and is lost
  const auto text_of_samples = [&] {
    std::ostringstream text;
    text << std::ifstream(path / "samples.jsonl").rdbuf();
    return text.str();
  };
  const std::string before = text_of_samples();
  ASSERT_TRUE(
      measure::output_of({bench_binary().string(), "run", "--resume=" + path.string()}, std::chrono::seconds(100)).has_value());
  const std::string after = text_of_samples();
  EXPECT_EQ(after.substr(0, before.size()), before) << "what was measured stays as it was";

  const RunPlan plan = plan_from_json(nlohmann::json::parse(std::ifstream(path / "provenance.json")).at("plan"));
  const std::vector<Slot> schedule = schedule_of(plan);
  std::istringstream lines(after);
  std::vector<std::size_t> order, uninterrupted;
  for (std::string line; std::getline(lines, line);) order.push_back(slot_of(plan, schedule, sample_from_line(line)).value());
  for (std::size_t i = 0; i < schedule.size(); ++i) uninterrupted.push_back(i);
  EXPECT_EQ(order, uninterrupted);
  std::filesystem::remove_all(path);
}

}  // namespace
}  // namespace reactorlab::bench
