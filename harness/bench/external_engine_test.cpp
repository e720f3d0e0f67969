// Engines of other languages: the file that names them, how they are chosen, started, measured and refused.
#include "harness/bench/become_engine.hpp"
#include "harness/bench/brief_sample.hpp"
#include "harness/bench/engine_facts.hpp"
#include "harness/bench/run.hpp"
#include "harness/bench/usage.hpp"
#include "harness/measure/host_facts.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace reactorlab::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

fs::path source() { return measure::source_folder(); }

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

/// A folder with an engines file, while it lives.
class EnginesFile {
 public:
  explicit EnginesFile(const std::string& lines)
      : folder_(fs::path(testing::TempDir()) / ("engines-" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directory(folder_);
    write("engines.jsonl", lines);
  }
  ~EnginesFile() { fs::remove_all(folder_); }
  EnginesFile(const EnginesFile&) = delete;
  EnginesFile& operator=(const EnginesFile&) = delete;

  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
  [[nodiscard]] fs::path folder() const { return folder_; }
  [[nodiscard]] std::string path() const { return folder_ / "engines.jsonl"; }
  [[nodiscard]] std::vector<Entry> chosen(const EntryFilter& filter) const { return choice(filter).entries; }
  [[nodiscard]] EntryChoice choice(const EntryFilter& filter) const {
    return choose_entries(known_impls(filter.impls, path()), filter);
  }

 private:
  fs::path folder_;
};

/// What the call throws as a UsageError, or "".
template <class F>
std::string usage_error_of(F&& call) {
  try {
    call();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(EnginesFile, SaysWhatAnEngineIs) {
  const EnginesFile file(R"({"name": "small", "command": ["./small"]})"
                         "\n\n"
                         R"({"name": "large-2.0", "command": ["python3", "a b.py", "--x"], "summary": "s", "max_workers": 0,)"
                         R"( "version": ["python3", "-V"], "remedy": "make large"})");
  const auto engines = read_engines(file.path());
  ASSERT_EQ(engines.size(), 2U);
  EXPECT_EQ(engines[0].name, "small");
  EXPECT_EQ(engines[0].summary, "./small") << "for want of a better one";
  EXPECT_EQ(engines[0].max_workers, 1U);
  EXPECT_EQ(engines[0].folder, file.folder());
  EXPECT_EQ(program_of(engines[0]), file.folder() / "small") << "a path from the file's folder";
  EXPECT_THAT(engines[1].command, ElementsAre("python3", "a b.py", "--x"));
  EXPECT_EQ(engines[1].max_workers, 0U);
  EXPECT_THAT(engines[1].version, ElementsAre("python3", "-V"));
  EXPECT_EQ(engines[1].remedy, "make large");
  EXPECT_TRUE(fs::exists(program_of(engines[1]).value_or("")));
}

TEST(EnginesFile, NamesTheLineThatIsMalformedAndWhatToWrite) {
  const std::vector<std::pair<std::string, std::string>> lines = {
      {"{", "no JSON"},
      {"name: x", "no JSON"},
      {"[]", "no entry"},
      {R"({"name": "x"})", "there is no \"command\""},
      {R"({"command": ["x"]})", "\"name\" is ''"},
      {R"({"name": "a+b", "command": ["x"]})", "\"name\" is 'a+b'"},
      {R"({"name": 7, "command": ["x"]})", "\"name\" is no text"},
      {R"({"name": "x", "command": "x y"})", "\"command\" is no list of words"},
      {R"({"name": "x", "command": []})", "\"command\" is no list of words"},
      {R"({"name": "x", "command": ["x", ""]})", "\"command\" is no list of words"},
      {R"({"name": "x", "command": ["x"], "max_workers": -1})", "\"max_workers\" is no number"},
      {R"({"name": "x", "command": ["x"], "max_workers": "2"})", "\"max_workers\" is no number"},
      {R"({"name": "x", "command": ["x"], "max_workers": 99999999999})", "\"max_workers\" is no number"},
      {R"({"name": "x", "comand": ["x"]})", "unknown key 'comand'; did you mean 'command'?"},
      {R"({"name": "first", "command": ["x"]})", "there is a 'first' above"}};
  for (const auto& [line, cause] : lines) {
    const EnginesFile file(R"({"name": "first", "command": ["x"]})"
                           "\n\n" +
                           line + "\n");
    const std::string error = usage_error_of([&] { (void)read_engines(file.path()); });
    EXPECT_THAT(error, HasSubstr("engines.jsonl:3: ")) << line;
    EXPECT_THAT(error, HasSubstr(cause)) << line;
    EXPECT_THAT(error, HasSubstr("docs/ENGINES.md")) << line;
  }
}

TEST(EnginesFile, ThatCannotBeReadIsNamed) {
  EXPECT_THAT(usage_error_of([] { (void)read_engines("/no/such/file"); }), HasSubstr("/no/such/file: No such file or directory"));
  EXPECT_THAT(usage_error_of([] { (void)read_engines(testing::TempDir()); }), HasSubstr("it is a folder"));
}

constexpr const char* kThreeEngines = R"({"name": "here", "command": ["sh", "x"], "max_workers": 4}
{"name": "gone", "command": ["./gone"], "remedy": "make gone"}
{"name": "nowhere", "command": ["no-such-program"]}
)";

std::vector<std::string> labels_of(const std::vector<Entry>& entries) {
  std::vector<std::string> labels;
  for (const Entry& entry : entries) labels.push_back(entry.label);
  return labels;
}

TEST(ChooseEngines, ByNameOrAllThatCanBeStarted) {
  const EnginesFile file(kThreeEngines);
  EXPECT_THAT(labels_of(file.chosen({.impls = {"raw_epoll", "engine:here"}})), ElementsAre("raw_epoll", "engine:here"));
  const EntryChoice engines = file.choice({.impls = {"engines"}});
  EXPECT_THAT(labels_of(engines.entries), ElementsAre("engine:here"));
  EXPECT_THAT(engines.entries[0].external->command, ElementsAre("sh", "x"));
  ASSERT_EQ(engines.notes.size(), 2U);
  EXPECT_THAT(engines.notes[0],
              HasSubstr("engine:gone can't be started: there is no " + (file.folder() / "gone").string() + ". Remedy: make gone"));
  EXPECT_THAT(engines.notes[1], HasSubstr("there is no no-such-program on PATH"));
}

TEST(ChooseEngines, AllMeansThoseOfThisBuild) {
  const EnginesFile file(kThreeEngines);
  for (const Entry& entry : file.chosen({.impls = {"all"}})) EXPECT_EQ(entry.external, nullptr) << entry.label;
  EXPECT_EQ(file.chosen({.impls = {"all", "engines"}}).back().label, "engine:here");
}

TEST(ChooseEngines, RefusesWithCauseAndRemedy) {
  const EnginesFile file(kThreeEngines);
  const auto error_of = [&](const EntryFilter& filter) { return usage_error_of([&] { (void)file.chosen(filter); }); };
  EXPECT_THAT(
      error_of({.impls = {"engine:her"}}),
      HasSubstr("unknown engine 'engine:her'; did you mean 'engine:here'? Known: engine:here, engine:gone, engine:nowhere"));
  EXPECT_THAT(error_of({.impls = {"here"}}), HasSubstr("unknown impl 'here'"));
  EXPECT_THAT(error_of({.impls = {"here"}}), HasSubstr("engine:here"));
  EXPECT_THAT(error_of({.impls = {"engine:gone"}}), HasSubstr("Remedy: make gone"));
  EXPECT_THAT(error_of({.impls = {"engine:here"}, .workers = 5}), HasSubstr("at most 4 workers"));
  EXPECT_THAT(error_of({.impls = {"engine:here"}, .backend = "epoll"}), HasSubstr("can't be told --backend=epoll"));
  EXPECT_THAT(error_of({.impls = {"engines"}, .workers = 5}), HasSubstr("engine:gone can't be started"));
  file.write("gone", "#!/bin/sh\n");
  EXPECT_THAT(error_of({.impls = {"engine:gone"}}), HasSubstr("isn't executable. Remedy: chmod +x"));
  const EnginesFile empty("");
  EXPECT_THAT(usage_error_of([&] { (void)empty.chosen({.impls = {"engines"}}); }), HasSubstr("there are no external engines"));
}

TEST(ChooseEngines, AMalformedFileDisturbsOnlyWhoAsksForEngines) {
  const EnginesFile file("{");
  EXPECT_EQ(file.chosen({.impls = {"raw_epoll"}}).size(), 1U);
  EXPECT_THAT(usage_error_of([&] { (void)file.chosen({.impls = {"engines"}}); }), HasSubstr("engines.jsonl:1"));
}

TEST(EngineEntry, TravelsAsAWord) {
  const EnginesFile file(R"({"name": "x", "command": ["./a b", "--c=\"d\"", "é"]})");
  const ExternalEngine engine = read_engines(file.path()).front(), back = engine_from_word(to_word(engine));
  EXPECT_EQ(back.name, engine.name);
  EXPECT_EQ(back.command, engine.command);
  EXPECT_EQ(back.folder, engine.folder);
  for (const char* word : {"", "{}", "[]", R"({"name": "x", "command": [], "folder": "/"})"})
    EXPECT_THROW((void)engine_from_word(word), UsageError) << word;
}

TEST(EngineFacts, ChangeWithTheProgramAndRefuseToResume) {
  const EnginesFile file(R"({"name": "x", "command": ["sh", "x.sh"], "version": ["cat", "version"]})");
  const auto facts = [&] { return engine_facts(file.chosen({.impls = {"engine:x", "raw_epoll"}})); };
  file.write("x.sh", "one");
  file.write("version", "1.0\nmore");
  const nlohmann::json before = facts();
  EXPECT_EQ(before.size(), 1U);
  EXPECT_EQ(before.at("engine:x").at("version"), "1.0");
  EXPECT_TRUE(before.at("engine:x").at("files").contains("sh"));
  EXPECT_EQ(facts(), before);
  file.write("x.sh", "two");
  const nlohmann::json build = {{"binary", "b"}}, machine = {{"cpus", 1}};
  EXPECT_EQ(obstacle_to_resuming({{"machine", machine}, {"build", build}, {"engines", before}},
                                 {{"machine", machine}, {"build", build}, {"engines", before}}),
            "");
  EXPECT_THAT(obstacle_to_resuming({{"machine", machine}, {"build", build}, {"engines", before}},
                                   {{"machine", machine}, {"build", build}, {"engines", facts()}}),
              HasSubstr("engine:x isn't what it was"));
}

TEST(EngineFacts, APlanRemembersWhereItsEnginesStand) {
  const EnginesFile file(kThreeEngines);
  RunPlan plan;
  plan.entries = file.chosen({.impls = {"engine:here", "raw_epoll"}});
  plan.cells = {small_cell().cell};
  plan.tier = "smoke";
  plan.rounds = 1;
  plan.engines_file = file.path();
  const nlohmann::json written = to_json(plan);
  const RunPlan again = plan_from_json(written);
  ASSERT_NE(again.entries[0].external, nullptr);
  EXPECT_THAT(again.entries[0].external->command, ElementsAre("sh", "x"));
  EXPECT_EQ(again.entries[1].external, nullptr);
  EXPECT_EQ(to_json(again), written);
  file.write("engines.jsonl", R"({"name": "here", "command": ["./gone"]})");
  EXPECT_THROW((void)plan_from_json(written), std::runtime_error);
}

/// Engines that really run. The bench's binary starts them, so it has to be built.
class EngineSample : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(bench_binary())) GTEST_SKIP() << "the bench binary isn't built: cmake --build ... --target bench";
  }

  static Entry faulty(const std::string& fault, unsigned workers = 1) {
    ExternalEngine engine;
    engine.name = "faulty";
    engine.command = {"/usr/bin/python3", "faulty_engine.py", fault};
    engine.folder = source() / "harness" / "bench";
    Entry entry;
    entry.label = entry.impl = "engine:faulty";
    entry.workers = workers;
    entry.external = std::make_shared<const ExternalEngine>(std::move(engine));
    return entry;
  }
  static Sample sample_of(const Entry& entry, const SamplePlace& place = small_cell()) {
    return run_sample(entry, place, brief(bench_binary()));
  }
};

TEST_F(EngineSample, OfASoundOneIsLikeAnyOther) {
  const Sample sample = sample_of(faulty("none"));
  EXPECT_EQ(sample.void_reason, "");
  EXPECT_TRUE(sample.verified);
  EXPECT_EQ(sample.impl, "engine:faulty");
  EXPECT_GE(sample.ops, 8U);
  EXPECT_GT(sample.server_cpu_ns, 0U);
  EXPECT_TRUE(sample.counts.at("voluntary_switches").has_value());
  EXPECT_EQ(sample.counts.at("syscalls"), std::nullopt) << "nobody counts them";
}

TEST_F(EngineSample, OfOneThatEndsWithItsInputHasItsCounters) {
  const Sample sample = sample_of(faulty("ends_with_stdin", 3));
  EXPECT_EQ(sample.void_reason, "");
  ASSERT_TRUE(sample.counts.contains("workers"));
  EXPECT_DOUBLE_EQ(*sample.counts.at("workers"), 3 * *sample.counts.at("stdin_ends")) << "it was told how many";
}

TEST_F(EngineSample, OfOneThatIsWrongIsVoidAndSaysWhy) {
  const std::vector<std::pair<std::string, std::string>> faults = {
      {"dies_early", "the server ended before it was READY: exit status 1: no such luck"},
      {"wrong_ready", "the server said 'listening' instead of READY port=N"},
      {"no_port", "the server said 'READY port=' instead of READY port=N"},
      {"chatter", "the server said 'hello' instead of READY port=N"},
      {"garbage", "came back as"},
      {"dies_serving", "exit status 4: out of luck"},
      {"wrong_status", "the server didn't end in order: exit status 5"},
      {"child", "the server has 1 child process"}};
  for (const auto& [fault, reason] : faults) {
    const Sample sample = sample_of(faulty(fault));
    EXPECT_THAT(sample.void_reason, HasSubstr(reason)) << fault;
    EXPECT_TRUE(to_json(sample).at("server_cpu_ns").is_null()) << fault;
  }
}

TEST_F(EngineSample, OfOneThatIsNeverReadyIsGivenUp) {
  SampleSettings settings = brief(bench_binary());
  settings.ready_limit = 50ms;
  EXPECT_THAT(run_sample(faulty("never_ready"), small_cell(), settings).void_reason, HasSubstr("READY within 50 ms"));
}

TEST_F(EngineSample, OfOneThatCannotBeStartedSaysWhy) {
  const EnginesFile file(R"({"name": "x", "command": ["./x"]})");
  file.write("x", "no program");
  fs::permissions(file.folder() / "x", fs::perms::owner_all);
  const Sample sample = sample_of(file.chosen({.impls = {"engine:x"}}).front());
  EXPECT_THAT(sample.void_reason,
              HasSubstr("engine:x can't be started: " + (file.folder() / "x").string() + ": Exec format error"));
}

TEST_F(EngineSample, InsideItsProcessIsNotApplicable) {
  const Sample sample = sample_of(faulty("none"), {{"spawn_join", {{"tasks", 64}}}, 0, 0, 5});
  EXPECT_FALSE(sample.is_void());
  EXPECT_THAT(sample.not_applicable, HasSubstr("only serves"));
}

/// The example of docs/ENGINES.md, and whichever of the others has been built.
TEST_F(EngineSample, OfEveryEngineOfTheRepositoryIsSound) {
  const auto entries = choose_entries(known_impls({"engines"}, ""), {.impls = {"engines"}}).entries;
  EXPECT_THAT(labels_of(entries), testing::Contains("engine:python_asyncio"));
  for (const Entry& entry : entries) {
    for (const SamplePlace& place :
         {small_cell(), SamplePlace{{"tcp_echo", {{"conns", 8}, {"payload", 65536}, {"pipeline", 16}}}, 0, 0, 4},
          SamplePlace{{"accept_churn", {{"conns", 4}, {"payload", 64}}}, 0, 0, 5},
          SamplePlace{{"idle_memory", {{"conns", 300}}}, 0, 0, 6}}) {
      const Sample sample = sample_of(entry, place);
      EXPECT_EQ(sample.void_reason, "") << entry.label << ", " << describe(place.cell);
      EXPECT_TRUE(sample.verified) << entry.label;
    }
  }
}

TEST(EngineExample, StandsInTheDocumentation) {
  const std::string example = text_of(source() / "engines" / "python_asyncio" / "echo.py");
  ASSERT_FALSE(example.empty());
  EXPECT_THAT(text_of(source() / "docs" / "ENGINES.md"), HasSubstr("```python\n" + example + "```"));
}

}  // namespace
}  // namespace reactorlab::bench
