namespace CozeCluster.Migration.Tests;

public sealed class DetectionTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("cdp/docker-compose.yml", OldSystem.Cdp)]
    [InlineData("cdp-many/config/bot_config.json", OldSystem.Cdp)]
    [InlineData("ccp/bot.json", OldSystem.Ccp)]
    [InlineData("ccp/.env", OldSystem.Ccp)]
    [InlineData("cdb/Config.yml", OldSystem.Cdb)]
    [InlineData("rca/config.json", OldSystem.Rca)]
    [InlineData("rca/.env", OldSystem.Rca)]
    [InlineData("aiproxy/c.yaml", OldSystem.AiProxy)]
    public void A_file_says_which_system_it_belongs_to(string path, OldSystem expected) =>
        Assert.Equal(expected, Migrator.Read(Samples.PathOf(path)).System);

    [Fact]
    public void Files_that_belong_to_a_named_file_are_read_too() =>
        Assert.Equal(["bot.json", ".env"], Migrator.Read(Samples.PathOf("ccp/bot.json")).Files);

    [Fact]
    public void Several_systems_are_an_error_until_one_is_named()
    {
        _folder.Write(".env", "session_id=x\nbot_id=7300000000000000001\n");
        _folder.Write("c.yaml", "claude: { api_keys: [{ val: c }] }\n");

        var problem = Assert.Single(_folder.Problems());

        Assert.Contains("Real-Coze-API (.env); aiproxy (c.yaml)", problem, StringComparison.Ordinal);
        Assert.Contains("--from rca or --from aiproxy", problem, StringComparison.Ordinal);
        Assert.Equal(OldSystem.AiProxy, Migrator.Read(_folder.Path, OldSystem.AiProxy).System);
    }

    [Fact]
    public void Several_services_of_one_system_are_an_error()
    {
        _folder.Write("compose.yaml", "services:\n  a: { environment: { PROXY_SECRET: x } }\n  b: { environment: [ PROXY_SECRET=y ] }\n");

        Assert.Contains("Several services run coze-discord-proxy: a, b.", Assert.Single(_folder.Problems()), StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_known_is_an_error_that_says_what_was_looked_for()
    {
        _folder.Write("config.json", """{ "name": "of something else" }""");
        _folder.Write("other.txt", "x=1");

        Assert.Contains("Looked for: docker-compose.yml", Assert.Single(_folder.Problems()), StringComparison.Ordinal);
        Assert.Contains("is no configuration", Assert.Throws<MigrationException>(() => Migrator.Read(Path.Combine(_folder.Path, "config.json"))).Message);
        Assert.Contains("There is no file or folder", Assert.Throws<MigrationException>(() => Migrator.Read(Path.Combine(_folder.Path, "none"))).Message);
    }

    [Fact]
    public void A_fleet_file_of_ours_is_no_old_configuration()
    {
        var path = _folder.Write("fleet.yaml", "tenants: []\nmodels: []\n");

        Assert.Equal("fleet.yaml is a fleet file already.", Assert.Throws<MigrationException>(() => Migrator.Read(path)).Message);
    }

    [Fact]
    public void Env_files_of_a_service_are_read()
    {
        _folder.Write("proxy.env", "BOT_TOKEN=t\nGUILD_ID=1000000000000000001\nCOZE_BOT_ID=1\nPROXY_SECRET=in-file\n");
        _folder.Write("compose.yml", "services:\n  a:\n    env_file: [proxy.env]\n    environment: [ \"COZE_BOT_ID=1000000000000000002\", TZ ]\n");

        var fleet = Migrator.Read(_folder.Path);

        Assert.Equal(("in-file", "1000000000000000002"), (fleet.Tenants[0].Keys[0].Value.Text, fleet.Bots[0].BotId.Text));
    }
}
