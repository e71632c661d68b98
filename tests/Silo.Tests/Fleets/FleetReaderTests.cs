using System.Text;
using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Tests.Fleets;

public sealed class FleetReaderTests
{
    private const string KnownKeys =
        "Known keys: name, key, hash, models, admin, role, error_text, compat, ip, expires, disabled, limits, show_bot, previous, hint.";

    [Fact]
    public void Read_ValidFile_ReturnsEverything()
    {
        var result = SampleFleet.Read(SampleFleet.Text);

        Assert.Empty(result.Problems);
        var fleet = result.File!;
        var tenant = Assert.Single(fleet.Tenants);
        Assert.Equal(("acme", 10, false), (tenant.Id, tenant.MaxConcurrentTurns, tenant.StoreConversations));
        Assert.Equal([("app", false), ("ops", true)], tenant.Keys.Select(key => (key.Name, key.Admin)));
        Assert.Equal(GrainKeys.ApiKeyHash("key-of-acme"), tenant.Keys[0].Hash);

        Assert.Equal(["https://api.coze.com", "https://coze.example/api"], fleet.Accounts.Select(account => account.Definition.BaseUrl));
        Assert.Equal(["pat_secret_1", "pat_secret_2"], fleet.Accounts.Select(account => account.Token));
        Assert.Equal("socks5://user:password@proxy.example:1080", fleet.Accounts[1].Proxy);

        var bot = Assert.Single(fleet.Bots);
        Assert.Equal(("helper", "coze", "7345678901234567890", 5), (bot.Id, bot.Upstream, bot.UpstreamBotId, bot.MaxConcurrentTurns));
        Assert.Equal(["main", "spare"], bot.Accounts);
        Assert.Equal((20, 90, 900), (bot.Timeouts.FirstByte.TotalSeconds, bot.Timeouts.Idle.TotalSeconds, bot.Timeouts.Total.TotalSeconds));

        var model = Assert.Single(fleet.Models);
        Assert.Equal("coze-helper", model.Id);
        Assert.Equal(["helper"], model.Bots);
        Assert.Equal(["acme"], model.Tenants);
    }

    [Theory]
    // Keys
    [InlineData("upstream: coze", "upstraem: coze",
        "13:5: accounts[0]: 'upstream' is missing.|14:5: accounts[0].upstraem: 'upstraem' is not a known key. Did you mean 'upstream'?")]
    [InlineData("models:", "modles:", "1:1: 'models' is missing.|28:1: modles: 'modles' is not a known key. Did you mean 'models'?")]
    [InlineData("first_byte: 20s", "first-byte: 20s", "1:13: timeouts.first-byte: 'first-byte' is not a known key. Did you mean 'first_byte'?")]
    [InlineData("admin: true", "colour: red", "9:9: tenants[0].keys[1].colour: 'colour' is not a known key. "
        + KnownKeys)]
    [InlineData("admin: true", "sk-1234567890abcdef: x", "9:9: tenants[0].keys[1]: This is not a known key. "
        + KnownKeys)]
    [InlineData("admin: true", "<<: { admin: true }",
        "9:9: tenants[0].keys[1]: Merge keys (<<) are not supported. Use an alias for a whole value, or write the keys out.")]
    [InlineData("admin: true", "name: again", "9:9: tenants[0].keys[1].name: This key is used twice; the first one is in line 7.")]
    [InlineData("admin: true", "[a]: b", "9:9: A key must be a single value, not a list.")]
    // Missing keys
    [InlineData("  - id: acme\n", "  -\n", "4:5: tenants[0]: 'id' is missing.|31:15: models[0].tenants[0]: There is no tenant 'acme'.")]
    [InlineData("    bots: [helper]\n", "", "29:5: models[0]: 'bots' is missing.")]
    [InlineData("    token: pat_secret_1\n", "", "13:5: accounts[0]: Expected exactly one of 'token', 'token_file' and 'oauth', found none.")]
    [InlineData("        key: key-of-acme\n", "", "5:9: tenants[0].keys[0]: Expected exactly one of 'key' and 'hash', found none.")]
    [InlineData("bot_id: 7345678901234567890", "bot_id:",
        "24:12: bots[0].bot_id: Expected an id: 1 to 100 printable ASCII characters, no spaces, found nothing.")]
    // Exactly one of several keys
    [InlineData("token: pat_secret_1", "token: pat_secret_1\n    token_file: /x",
        "13:5: accounts[0]: Expected exactly one of 'token', 'token_file' and 'oauth', found 2.|"
        + "16:17: accounts[0].token_file: The file '/x' does not exist or cannot be read. Relative paths start in the folder of the fleet file.")]
    [InlineData("key: key-of-acme", "key: key-of-acme\n        hash: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "5:9: tenants[0].keys[0]: Expected exactly one of 'key' and 'hash', found 2.")]
    // Types
    [InlineData("max_concurrent_turns: 10", "max_concurrent_turns: many", "10:27: tenants[0].max_concurrent_turns: Expected a whole number from 1 to 1000000.")]
    [InlineData("max_concurrent_turns: 10", "max_concurrent_turns: 0", "10:27: tenants[0].max_concurrent_turns: Expected a whole number from 1 to 1000000.")]
    [InlineData("max_concurrent_turns: 10", "max_concurrent_turns: [1]",
        "10:27: tenants[0].max_concurrent_turns: Expected a whole number from 1 to 1000000, found a list.")]
    [InlineData("admin: true", "role: boss", "9:15: tenants[0].keys[1].role: Expected a role: owner, operator, viewer or tenant_admin.")]
    [InlineData("admin: true", "admin: true\n        role: owner",
        "10:15: tenants[0].keys[1].role: Write either 'admin' or 'role': 'admin: true' means 'role: owner'.")]
    [InlineData("admin: true", "admin: yes", "9:16: tenants[0].keys[1].admin: Expected true or false.")]
    [InlineData("id: acme", "id: Acme Inc",
        "3:9: tenants[0].id: Expected an id: 1 to 40 of a-z 0-9 - _.|31:15: models[0].tenants[0]: There is no tenant 'acme'.")]
    [InlineData("id: coze-helper", "id: coze helper", "29:9: models[0].id: Expected a model name: 1 to 100 characters, no spaces.")]
    [InlineData("accounts: [main, spare]", "accounts: main", "25:15: bots[0].accounts: Expected a list of accounts, found a single value.")]
    [InlineData("timeouts: { idle: 1m30s }", "timeouts: 30s", "27:15: bots[0].timeouts: Expected a mapping (key: value), found a single value.")]
    [InlineData("idle: 1m30s", "idle: 90", "27:23: bots[0].timeouts.idle: Expected a duration such as 500ms, 10s, 1m30s, 2h or 7d.")]
    [InlineData("idle: 1m30s", "idle: 48h", "27:23: bots[0].timeouts.idle: Expected a duration from 100ms to 24h.")]
    [InlineData("idle: 1m30s", "idle: 20m", "27:23: bots[0].timeouts.idle: This is longer than the total timeout, 15m.")]
    [InlineData("https://coze.example/api/", "coze.example",
        "18:15: accounts[1].base_url: Expected a URL that begins with https:// or http://, without user, query or fragment.")]
    [InlineData("https://coze.example/api/", "https://me:pass@coze.example",
        "18:15: accounts[1].base_url: Expected a URL that begins with https:// or http://, without user, query or fragment.")]
    [InlineData("socks5://user:password@proxy.example:1080", "ftp://proxy.example",
        "20:12: accounts[1].proxy: Expected a URL that begins with http://, socks4://, socks4a:// or socks5://, with nothing after host and port.")]
    [InlineData("key: key-of-acme", "key: two words", "6:14: tenants[0].keys[0].key: Expected an API key: 1 to 256 printable ASCII characters, no spaces.")]
    [InlineData("key: key-of-acme", "hash: abc", "6:15: tenants[0].keys[0].hash: Expected the SHA-256 of an API key as 64 hexadecimal digits.")]
    [InlineData("token: pat_secret_1", "token: two words", "15:12: accounts[0].token: Expected a token: printable ASCII characters, no spaces.")]
    [InlineData("token: pat_secret_1", "token_file: /nowhere/token",
        "15:17: accounts[0].token_file: The file '/nowhere/token' does not exist or cannot be read. Relative paths start in the folder of the fleet "
        + "file.")]
    [InlineData(
        "upstream: coze", "upstream: cozy",
        "14:15: accounts[0].upstream: Expected the name of an upstream (coze, discord, openai, claude, gemini). Did you mean 'coze'?")]
    // Lists
    [InlineData("bots: [helper]", "bots: []", "30:11: models[0].bots: The list is empty; at least one bot is expected.")]
    [InlineData("tenants: [acme]", "tenants: []", "31:14: models[0].tenants: The list is empty; at least one tenant is expected.")]
    [InlineData("accounts: [main, spare]", "accounts: [main, main]", "25:22: bots[0].accounts[1]: 'main' is listed twice.")]
    // References
    [InlineData("accounts: [main, spare]", "accounts: [main, spear]", "25:22: bots[0].accounts[1]: There is no account 'spear'. Did you mean 'spare'?")]
    [InlineData("bots: [helper]", "bots: [nobody]", "30:12: models[0].bots[0]: There is no bot 'nobody'.")]
    [InlineData("tenants: [acme]", "tenants: [acne]", "31:15: models[0].tenants[0]: There is no tenant 'acne'. Did you mean 'acme'?")]
    [InlineData("id: spare", "id: main",
        "16:9: accounts[1].id: There is another account 'main' in line 13.|25:22: bots[0].accounts[1]: There is no account 'spare'.")]
    [InlineData("name: ops", "name: app", "7:15: tenants[0].keys[1].name: There is another key 'app' in line 5.")]
    [InlineData("key: key-of-ops", "key: key-of-acme",
        "8:14: tenants[0].keys[1].key: This is the same API key as in line 6. Every tenant needs API keys of its own.")]
    // Options that only the upstream understands
    [InlineData("bot_id:", "options: { enable_card: maybe, colour: red }\n    bot_id:",
        "24:29: bots[0].options.enable_card: Invalid option: expected true or false.|"
        + "24:44: bots[0].options.colour: Invalid option: unknown; Coze bots have connector_id, publish_status, bot_version, enable_card, "
        + "latitude, longitude, parameters.<name>, parameters_json.<name>.")]
    [InlineData("token: pat_secret_1", "token: pat_secret_1\n    options: { token_lifetime_seconds: 1 }",
        "16:40: accounts[0].options.token_lifetime_seconds: Invalid option: expected a whole number from 60 to 86399.")]
    [InlineData("token: pat_secret_1", "token: pat_secret_1\n    options: none",
        "16:14: accounts[0].options: Expected a mapping (key: value), found a single value.")]
    // Public API keys
    [InlineData("key: key-of-acme", "key: sk-sandbox",
        "6:14: tenants[0].keys[0].key: Keys that begin with 'sk-sandbox' are reserved for sandbox mode, because they are public. Choose a secret key.")]
    [InlineData("key: key-of-acme", "key: sk-sandbox-mine",
        "6:14: tenants[0].keys[0].key: Keys that begin with 'sk-sandbox' are reserved for sandbox mode, because they are public. Choose a secret key.")]
    // Variables
    [InlineData("${SPARE_TOKEN}", "${SPAR_TOKEN}",
        "19:12: accounts[1].token: The environment variable SPAR_TOKEN is not set. Set it, or write a default: ${SPAR_TOKEN:-…}.")]
    [InlineData("${SPARE_TOKEN}", "${EMPTY}", "19:12: accounts[1].token: The environment variable EMPTY is empty. Set it, or write a default: ${EMPTY:-…}.")]
    [InlineData("${SPARE_TOKEN}", "${SPARE_TOKEN", "19:12: accounts[1].token: '${' has no closing '}'. Write '$$' for a dollar sign.")]
    [InlineData("${SPARE_TOKEN}", "${1X}",
        "19:12: accounts[1].token: Expected the name of an environment variable (letters, digits, '_') between '${' and '}', optionally followed by "
        + "':-' and a default.")]
    // YAML
    [InlineData("id: acme", "id: !mine acme", "3:9: Tags (!…) are not supported.")]
    [InlineData("id: acme", "id: *nobody", "3:9: There is no anchor &nobody above this alias.")]
    [InlineData("keys:", "keys: &keys", "")]
    [InlineData("bots: [helper]", "bots: &a [helper, *a]", "30:23: The alias *a is inside the value that it refers to.")]
    public void Read_OneMistake_ReportsExactMessage(string old, string @new, string expected)
    {
        var result = SampleFleet.Read(SampleFleet.With(old, @new));

        Assert.Equal(expected, string.Join('|', result.Problems));
        Assert.Equal(expected.Length == 0, result.File is not null);
    }

    [Fact]
    public void Read_ManyMistakes_ReportsAllInOrder()
    {
        var result = SampleFleet.Read("""
            tenants:
              - id: UPPER
                keys: []
            accounts:
              - id: a
                upstream: coze
                tokn: pat_secret_1
            bots:
              - id: b
                upstream: coze
                bot_id: 1
                accounts: [missing]
                timeouts: { idle: soon }
            extra: 1
            """);

        Assert.Null(result.File);
        Assert.Equal(
            [
                "1:1 ", "2:9 tenants[0].id", "3:11 tenants[0].keys", "5:5 accounts[0]", "7:5 accounts[0].tokn", "12:16 bots[0].accounts[0]",
                "13:23 bots[0].timeouts.idle", "14:1 extra",
            ],
            result.Problems.Select(problem => $"{problem.Line}:{problem.Column} {problem.Path}"));
    }

    [Fact]
    public void Read_AnyMistake_NoMessageContainsASecret()
    {
        string[] secrets = ["key-of-acme", "key-of-ops", "pat_secret_1", "pat_secret_2", "user:password"];
        var lines = SampleFleet.Text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            foreach (var broken in SampleFleet.BrokenVersionsOf(lines[i]))
            {
                var text = string.Join('\n', lines[..i].Append(broken).Concat(lines[(i + 1)..]));
                foreach (var problem in SampleFleet.Read(text).Problems)
                    Assert.DoesNotContain(secrets, secret => problem.ToString().Contains(secret, StringComparison.Ordinal));
            }
        }
    }

    [Theory]
    [InlineData("", "1:1: The file is empty. It must contain tenants, accounts, bots and models.")]
    [InlineData("# nothing\n", "1:1: The file is empty. It must contain tenants, accounts, bots and models.")]
    [InlineData("hello", "1:1: Expected the sections tenants, accounts, bots and models, found a single value.")]
    [InlineData("- a", "1:1: Expected the sections tenants, accounts, bots and models, found a list.")]
    [InlineData("a: 1\n---\nb: 2", "2:1: A fleet file is one YAML document; a second document begins here.")]
    public void Read_NotAFleet_ReportsOneProblem(string text, string expected) =>
        Assert.Equal(expected, Assert.Single(SampleFleet.Read(text).Problems).ToString());

    [Theory]
    [InlineData("tenants: [a, b", 2)]
    [InlineData("tenants:\n  - id: a\n keys: []", 3)]
    [InlineData("tenants: \"a\nb: c", 1)]
    [InlineData("a: b: c", 1)]
    [InlineData("tenants:\n\t- id: a", 1)]
    public void Read_NotYaml_ReportsTheLine(string text, int line)
    {
        var problem = Assert.Single(SampleFleet.Read(text).Problems);

        Assert.StartsWith("This is not YAML: ", problem.Message, StringComparison.Ordinal);
        Assert.Equal(line, problem.Line);
    }

    [Fact]
    public void Read_TooDeep_IsRefused() =>
        Assert.Equal("The file is nested deeper than 32 levels.", Assert.Single(SampleFleet.Read(new string('[', 100_000)).Problems).Message);

    [Fact]
    public void Read_TooLong_IsRefused()
    {
        var problem = Assert.Single(SampleFleet.Read(new string('#', FleetYaml.MaxCharacters + 1)).Problems);

        Assert.Equal("The file has 16777217 characters; the limit is 16777216.", problem.Message);
    }

    [Fact]
    public void Read_ExponentialAliases_AreRefused()
    {
        var text = new StringBuilder("x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n");
        for (var i = 1; i < 12; i++) text.Append($"x{i}: &x{i} [{string.Join(", ", Enumerable.Repeat($"*x{i - 1}", 10))}]\n");

        Assert.Equal("With all aliases expanded, the file has more than 2000000 values.", Assert.Single(SampleFleet.Read(text.ToString()).Problems).Message);
    }

    [Fact]
    public void Read_NotUtf8_IsRefused() =>
        Assert.Equal("The file is not UTF-8 text.", Assert.Single(SampleFleet.Reader.Read([0x61, 0xff, 0xfe], "/").Problems).Message);

    [Fact]
    public void Read_ByteOrderMark_IsSkipped() =>
        Assert.Empty(SampleFleet.Reader.Read([0xef, 0xbb, 0xbf, .. Encoding.UTF8.GetBytes(SampleFleet.Text)], "/").Problems);

    [Fact]
    public void Read_AliasesOfWholeValues_AreResolved()
    {
        var text = "x-slow: &slow { total: 30m }\n" + SampleFleet.With("timeouts: { idle: 1m30s }", "timeouts: *slow");

        var result = SampleFleet.Read(text);

        Assert.Empty(result.Problems);
        Assert.Equal(30, result.File!.Bots[0].Timeouts.Total.TotalMinutes);
    }

    [Fact]
    public void Read_HashOfASandboxKey_IsRefused()
    {
        var result = SampleFleet.Read(SampleFleet.With("key: key-of-acme", $"hash: {GrainKeys.ApiKeyHash("sk-sandbox-admin").ToUpperInvariant()}"));

        Assert.Equal("tenants[0].keys[0].hash", Assert.Single(result.Problems).Path);
    }
}
