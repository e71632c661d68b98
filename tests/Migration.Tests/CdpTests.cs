namespace CozeCluster.Migration.Tests;

public sealed class CdpTests : IDisposable
{
    private static readonly Dictionary<string, string?> Required = new()
    {
        ["USER_AUTHORIZATION"] = "user-token-1", ["BOT_TOKEN"] = "listener-token-1", ["GUILD_ID"] = "1000000000000000001",
        ["COZE_BOT_ID"] = "1000000000000000002",
    };

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void No_PROXY_SECRET_means_requests_without_a_key()
    {
        var fleet = Read();

        Assert.Equal(fleet.Tenants[0].Id, fleet.Endpoints[0].Anonymous);
        Assert.Empty(fleet.Tenants[0].Keys);
        Assert.Contains(fleet.Notes, note => note.IsImportant && note.Text.StartsWith("PROXY_SECRET is not set", StringComparison.Ordinal));
    }

    [Fact]
    public void PROXY_SECRET_is_a_list_of_keys_of_one_tenant()
    {
        var fleet = Read(("PROXY_SECRET", "123, 456,,123"));

        var tenant = Assert.Single(fleet.Tenants);
        Assert.Equal(
            [("secret-1", "PROXY_SECRET_1", "123"), ("secret-2", "PROXY_SECRET_2", "456")],
            tenant.Keys.Select(key => (key.Name, key.Value.Variable, key.Value.Text)));
        Assert.Null(fleet.Endpoints[0].Anonymous);
        Assert.Equal(("coze", "*"), (tenant.DefaultModel, tenant.Aliases[0].Name));
    }

    [Theory]
    [InlineData(null, "")]
    [InlineData("""[{ "cozeBotId": "1000000000000000012" }]""", "")]
    [InlineData("""[{ "cozeBotId": "1000000000000000012" }, { "cozeBotId": "1000000000000000013", "model": ["gpt-4"] }]""", "gpt-4")]
    public void Models_without_a_name_in_the_old_configuration_are_in_no_list(string? entries, string expected)
    {
        if (entries is not null) _folder.Write("config/bot_config.json", entries);

        var models = Read().Models;

        Assert.Contains(models, model => model.Id == "coze");
        Assert.Equal(expected, string.Join(' ', models.Where(model => !model.IsHidden).Select(model => model.Id)));
    }

    [Theory]
    [InlineData(null, "requests_per_minute: 1000000")]
    [InlineData("a-secret-of-mine", null)]
    public void REQUEST_RATE_LIMIT_0_means_no_limit(string? secret, string? expected)
    {
        List<(string, string)> variables = [("REQUEST_RATE_LIMIT", "0")];
        if (secret is not null) variables.Add(("PROXY_SECRET", secret));

        var limit = Read([.. variables]).Endpoints[0].RequestsPerMinute;

        Assert.Equal(expected, limit is null ? null : $"{limit.Name}: {limit.Value.Text}");
    }

    [Theory]
    [InlineData("CHANNEL_AUTO_DEL_TIME", "0", "delete_after: never")]
    [InlineData("CHANNEL_AUTO_DEL_TIME", "60", "delete_after: 1m")]
    [InlineData("CHANNEL_AUTO_DEL_TIME", "99999999", "delete_after: 7d")]
    [InlineData("ALL_DIALOG_RECORD_ENABLE", "0", "history: last")]
    [InlineData("ALL_DIALOG_RECORD_ENABLE", "1", "history: json")]
    [InlineData("STREAM_REQUEST_OUT_TIME", "60", "first_byte: 1m")]
    [InlineData("REQUEST_OUT_TIME", "400", "total: 400s")]
    [InlineData("REQUEST_OUT_TIME", "60", "total: 5m")]
    [InlineData("REQUEST_RATE_LIMIT", "30", "requests_per_minute: 30")]
    [InlineData("GIN_MODE", "release", "requests_per_minute: 60")]
    [InlineData("ONLY_OPENAI_API", "1", "only_openai_api: true")]
    [InlineData("PORT", "8123", "port: 8123")]
    [InlineData("TZ", "Asia/Shanghai", "time_zone: Asia/Shanghai")]
    [InlineData("USER_AGENT", "Mozilla/5.0 (X11)", "user_agent: \"Mozilla/5.0 (X11)\"")]
    [InlineData("PROXY_URL", "http://127.0.0.1:1", "proxy: http://127.0.0.1:1")]
    [InlineData("PROXY_URL", "socks5h://127.0.0.1:1", "proxy: socks5://127.0.0.1:1")]
    public void A_variable_becomes(string name, string value, string expected) =>
        Assert.Contains($" {expected}", FleetText.Of(Read((name, value))).Yaml, StringComparison.Ordinal);

    [Theory]
    [InlineData("MAX_CHANNEL_DEL_TYPE", "ALL")]
    [InlineData("MESSAGE_MAX_TOKEN", "1000")]
    [InlineData("SWAGGER_ENABLE", "0")]
    [InlineData("DEBUG", "true")]
    [InlineData("GIN_MODE", "release")]
    [InlineData("UPLOAD_PATH", "/x")]
    [InlineData("USER_ID", "1")]
    [InlineData("NOTIFY_TELEGRAM_USER_ID", "1")]
    [InlineData("CHANNEL_ID", "1000000000000000003")]
    [InlineData("TZ", "Nowhere/Town")]
    public void A_variable_without_a_counterpart_is_noted(string name, string value) =>
        Assert.Contains(Read((name, value)).Notes, note => note.Text.Contains(name, StringComparison.Ordinal));

    [Fact]
    public void Names_that_cannot_be_aliases_are_noted_and_aliases_are_bounded()
    {
        var names = string.Join(',', Enumerable.Range(0, 250).Select(i => $"\"model-{i}\"").Append("\"with space\"").Append($"\"{new string('x', 99)}\""));
        _folder.Write("config/bot_config.json", $$"""[{ "cozeBotId": "1000000000000000012", "model": [{{names}}] }, { "cozeBotId": "1000000000000000012" }]""");

        var fleet = Read();

        Assert.Equal(200, fleet.Tenants[0].Aliases.Count);
        Assert.Equal("*", fleet.Tenants[0].Aliases[^1].Name);
        Assert.Contains(fleet.Notes, note => note.Text.EndsWith("with space is with-space.", StringComparison.Ordinal));
        Assert.Contains(fleet.Models, model => model.Id == "with-space");
        Assert.All(fleet.Tenants[0].Aliases, alias => Assert.InRange(alias.Name.Length, 1, 100));
    }

    [Fact]
    public void COZE_BOT_STAY_ACTIVE_ENABLE_0_means_no_messages() =>
        Assert.DoesNotContain("keep_active", FleetText.Of(Read(("COZE_BOT_STAY_ACTIVE_ENABLE", "0"))).Yaml, StringComparison.Ordinal);

    [Fact]
    public void The_default_channel_is_used_where_it_is_enabled()
    {
        var yaml = FleetText.Of(Read(("DEFAULT_CHANNEL_ENABLE", "1"), ("CHANNEL_ID", "1000000000000000003"))).Yaml;

        Assert.Contains("channel: fixed", yaml, StringComparison.Ordinal);
        Assert.Contains("channel_id: 1000000000000000003", yaml, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PROXY_URL", "ftp://secret:secret@host", "the environment: PROXY_URL: Expected the address of a proxy")]
    [InlineData("GUILD_ID", "119secret796", "the environment: GUILD_ID: Expected an id of Discord")]
    [InlineData("COZE_BOT_ID", "secret", "the environment: COZE_BOT_ID: Expected an id of Discord")]
    [InlineData("BOT_TOKEN", "se cret", "the environment: BOT_TOKEN: Expected a token")]
    [InlineData("USER_AUTHORIZATION", "a,se cret", "the environment: USER_AUTHORIZATION: Expected tokens")]
    [InlineData("PORT", "secret", "the environment: PORT: Expected a whole number from 1 to 65535")]
    [InlineData("REQUEST_OUT_TIME", "secret", "the environment: REQUEST_OUT_TIME: Expected a whole number")]
    [InlineData("ALL_DIALOG_RECORD_ENABLE", "secret", "the environment: ALL_DIALOG_RECORD_ENABLE: Expected 1 or 0")]
    public void A_wrong_value_is_reported_without_the_value(string name, string value, string expected)
    {
        var error = Assert.Throws<MigrationException>(() => Read((name, value)));

        Assert.StartsWith(expected, Assert.Single(error.Lines), StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message.Replace("PROXY_SECRET", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("config/bot_config.json")]
    [InlineData("data/config/bot_config.json")]
    public void Bot_config_is_found_in_the_container_and_beside_it(string name)
    {
        _folder.Write(name, """[{ "cozeBotId": "1000000000000000012", "model": "gpt-4", "proxySecret": "a" }]""");

        var fleet = Read(("PROXY_SECRET", "a"));

        Assert.Equal("1000000000000000012", Assert.Single(fleet.Bots).BotId.Text);
        Assert.Equal([name], fleet.Files);
        Assert.Equal("gpt-4", Assert.Single(fleet.Models).Id);
        Assert.Equal(["*gpt-4*"], fleet.Tenants[0].Aliases.Select(alias => alias.Name));
    }

    [Fact]
    public void Without_keys_entries_are_chosen_by_model_alone()
    {
        _folder.Write("config/bot_config.json", """
            [{ "cozeBotId": "1000000000000000012", "model": ["gpt-4"], "proxySecret": "a" },
             { "cozeBotId": "1000000000000000013", "model": ["gpt-4", "dall-e-3"], "proxySecret": "b" },
             { "cozeBotId": "1000000000000000014" }]
            """);

        var fleet = Read();

        Assert.NotNull(fleet.Endpoints[0].Anonymous);
        Assert.Equal(
            [("gpt-4", 2), ("dall-e-3", 1), ("coze", 1)],
            fleet.Models.Select(model => (model.Id, model.Bots.Count)));
        Assert.Equal(["*dall-e-3*", "*gpt-4*", "*"], fleet.Tenants[0].Aliases.Select(alias => alias.Name));
    }

    [Fact]
    public void A_file_of_entries_alone_keeps_their_keys_and_names_what_is_missing()
    {
        var path = _folder.Write("bot_config.json", """[{ "cozeBotId": "1000000000000000012", "model": "m", "proxySecret": "a" }]""");

        var fleet = Migrator.Read(path);

        Assert.Equal("a", fleet.Tenants[0].Keys[0].Value.Text);
        Assert.Equal(["BOT_TOKEN", "GUILD_ID", "USER_AUTHORIZATION"], FleetText.Of(fleet).MissingVariables);
    }

    [Theory]
    [InlineData("""[{ "model": "m" }]""", "config/bot_config.json:1: [0].cozeBotId: The id of a bot is missing.")]
    [InlineData("[\n{ \"cozeBotId\": \"x\" }]", "config/bot_config.json:2: [0].cozeBotId: Expected an id of Discord: decimal digits.")]
    [InlineData("[\n1]", "config/bot_config.json:2: [0]: Expected a mapping, found a single value.")]
    [InlineData("{}", "config/bot_config.json:1: Expected a list, found a mapping.")]
    [InlineData("[\n{\n \"a\" 1 }]", "config/bot_config.json:3: This is not JSON.")]
    [InlineData("", "config/bot_config.json:1: This is not JSON.")]
    public void A_broken_file_is_reported_with_its_line(string text, string expected)
    {
        _folder.Write("config/bot_config.json", text);

        Assert.Contains(Assert.Throws<MigrationException>(() => Read()).Lines, line => line.StartsWith(expected, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("USER_AUTHORIZATION")]
    [InlineData("BOT_TOKEN")]
    [InlineData("GUILD_ID")]
    [InlineData("COZE_BOT_ID")]
    public void Without_a_required_variable_the_environment_is_not_that_of_this_system(string name) =>
        Assert.Null(Migrator.ReadEnvironment(new Dictionary<string, string?>(Required) { [name] = " " }, _folder.Path));

    private OldFleet Read(params (string Name, string Value)[] variables)
    {
        var all = new Dictionary<string, string?>(Required);
        foreach (var (name, value) in variables) all[name] = value;
        return Migrator.ReadEnvironment(all, _folder.Path)!;
    }
}
