using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Secrets;

namespace CozeCluster.Silo.Tests.Fleets;

public sealed class NotificationsSectionTests
{
    private const string Both = """
        notifications:
          webhook: { url: "https://hooks.example/x?key=k1", secret: s3cret }
          telegram: { token: "123:abc", chat_id: "-100" }

        """;

    [Fact]
    public void Read_Both_AreEncryptedInTheFleet()
    {
        var file = SampleFleet.Read(Both + SampleFleet.Text).File!;
        var seal = new AesSecretSeal(new byte[AesSecretSeal.KeyBytes]);

        var fleet = FleetBuilder.Build(file, seal);

        Assert.Equal("https://hooks.example/x?key=k1", seal.Open(fleet.Notifications!.Webhook!.Url));
        Assert.Equal("s3cret", seal.Open(fleet.Notifications.Webhook.Secret!));
        var telegram = fleet.Notifications.Telegram!;
        Assert.Equal(("123:abc", "-100", "https://api.telegram.org"), (seal.Open(telegram.Token), telegram.ChatId, telegram.BaseUrl));
        Assert.DoesNotContain("s3cret", $"{file} {file.Notifications} {file.Notifications!.Webhook}", StringComparison.Ordinal);
        Assert.DoesNotContain("123:abc", $"{file.Notifications.Telegram} {fleet}", StringComparison.Ordinal);
    }

    [Fact]
    public void Read_None_IsValid() => Assert.Null(SampleFleet.Read(SampleFleet.Text).File!.Notifications);

    [Theory]
    [InlineData("k1", "k2")]
    [InlineData("s3cret", "s4cret")]
    [InlineData("123:abc", "123:abd")]
    [InlineData("-100", "-101")]
    public void Build_OtherContent_IsAnotherVersion(string old, string @new)
    {
        var seal = new AesSecretSeal(new byte[AesSecretSeal.KeyBytes]);
        string Version(string text) => FleetBuilder.Build(SampleFleet.Read(text + SampleFleet.Text).File!, seal).Version;

        Assert.NotEqual(Version(Both), Version(Both.Replace(old, @new, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("notifications: {}", "1:16: notifications: Expected 'webhook', 'telegram' or both.")]
    [InlineData("notifications: { mail: x }",
        "1:16: notifications: Expected 'webhook', 'telegram' or both.|"
        + "1:18: notifications.mail: 'mail' is not a known key. Known keys: webhook, telegram.")]
    [InlineData("notifications: { webhook: { secret: x } }", "1:27: notifications.webhook: 'url' is missing.")]
    [InlineData("notifications: { webhook: { url: \"http://hooks.example/\" } }",
        "1:34: notifications.webhook.url: Expected a URL that begins with https://, or with http:// for an address of this machine.")]
    [InlineData("notifications: { webhook: { url: \"http://127.0.0.1:9/\" } }", "")]
    [InlineData("notifications: { webhook: { url: \"http://[::1]:9/\" } }", "")]
    [InlineData("notifications: { webhook: { url: \"http://localhost:9/x\" } }", "")]
    [InlineData("notifications: { webhook: { url: \"https://me:pass@hooks.example\" } }",
        "1:34: notifications.webhook.url: Expected a URL that begins with https://, or with http:// for an address of this machine.")]
    [InlineData("notifications: { webhook: { url: \"https://x\", secret: two words } }",
        "1:55: notifications.webhook.secret: Expected a secret: 1 to 256 printable ASCII characters, no spaces.")]
    [InlineData("notifications: { telegram: { token: abc, chat_id: 5 } }",
        "1:37: notifications.telegram.token: Expected the token of a Telegram bot, such as 123456:ABC-DEF.")]
    [InlineData("notifications: { telegram: { token: \"1:a/b\", chat_id: 5 } }",
        "1:37: notifications.telegram.token: Expected the token of a Telegram bot, such as 123456:ABC-DEF.")]
    [InlineData("notifications: { telegram: { token: \"1:a\" } }", "1:28: notifications.telegram: 'chat_id' is missing.")]
    [InlineData("notifications: { telegram: { token: \"1:a\", chat_id: \"a b\" } }",
        "1:53: notifications.telegram.chat_id: Expected the number or @name of a chat.")]
    public void Read_Mistake_ReportsExactMessage(string section, string expected) =>
        Assert.Equal(expected, string.Join('|', SampleFleet.Read(section + "\n" + SampleFleet.Text).Problems));
}
