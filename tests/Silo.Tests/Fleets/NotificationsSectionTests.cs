using CozeCluster.Silo.Fleets;
using CozeCluster.Silo.Secrets;

namespace CozeCluster.Silo.Tests.Fleets;

public sealed class NotificationsSectionTests
{
    private const string Both = """
        notices:
          webhook: { url: "https://hooks.example/x?key=k1", secret: s3cret }
          telegram: { token: "123:abc", chat_id: "-100" }

        """;

    [Fact]
    public void Read_Both_AreSealedInTheFleet()
    {
        var file = SampleFleet.Read(Both + SampleFleet.Text).File!;
        var seal = new AesSecretSeal(new byte[AesSecretSeal.KeyBytes]);

        var fleet = FleetBuilder.Build(file, seal);

        Assert.Equal("https://hooks.example/x?key=k1", seal.Open(fleet.Notifications!.Webhook!.Url));
        Assert.Equal("s3cret", seal.Open(fleet.Notifications.Webhook.Secret!));
        Assert.Equal(("123:abc", "-100", "https://api.telegram.org"), (seal.Open(fleet.Notifications.Telegram!.Token), fleet.Notifications.Telegram.ChatId, fleet.Notifications.Telegram.BaseUrl));
        Assert.DoesNotContain("s3cret", $"{file} {file.Notifications} {file.Notifications!.Telegram}", StringComparison.Ordinal);
        Assert.DoesNotContain("123:abc", $"{file.Notifications.Telegram} {fleet}", StringComparison.Ordinal);
    }

    [Fact]
    public void Read_None_IsFine() => Assert.Null(SampleFleet.Read(SampleFleet.Text).File!.Notifications);

    [Theory]
    [InlineData("k1", "k2")]
    [InlineData("s3cret", "s4cret")]
    [InlineData("123:abc", "123:abd")]
    [InlineData("-100", "-101")]
    public void Build_OtherNotices_IsAnotherVersion(string old, string @new)
    {
        var seal = new AesSecretSeal(new byte[AesSecretSeal.KeyBytes]);
        string Version(string text) => FleetBuilder.Build(SampleFleet.Read(text + SampleFleet.Text).File!, seal).Version;

        Assert.NotEqual(Version(Both), Version(Both.Replace(old, @new, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("notices: {}", "1:10: notices: Expected 'webhook', 'telegram' or both.")]
    [InlineData("notices: { mail: x }", "1:10: notices: Expected 'webhook', 'telegram' or both.|1:12: notices.mail: 'mail' is no key known here. Known are: webhook, telegram.")]
    [InlineData("notices: { webhook: { secret: x } }", "1:21: notices.webhook: 'url' is missing.")]
    [InlineData("notices: { webhook: { url: \"http://hooks.example/\" } }", "1:28: notices.webhook.url: Expected a URL that begins with https://, or with http:// for this machine alone.")]
    [InlineData("notices: { webhook: { url: \"http://127.0.0.1:9/\" } }", "")]
    [InlineData("notices: { webhook: { url: \"http://[::1]:9/\" } }", "")]
    [InlineData("notices: { webhook: { url: \"http://localhost:9/x\" } }", "")]
    [InlineData("notices: { webhook: { url: \"https://me:pass@hooks.example\" } }", "1:28: notices.webhook.url: Expected a URL that begins with https://, or with http:// for this machine alone.")]
    [InlineData("notices: { webhook: { url: \"https://x\", secret: two words } }", "1:49: notices.webhook.secret: Expected a secret: 1 to 256 printable ASCII characters, no spaces.")]
    [InlineData("notices: { telegram: { token: abc, chat_id: 5 } }", "1:31: notices.telegram.token: Expected a Telegram bot's token, such as 123456:ABC-DEF.")]
    [InlineData("notices: { telegram: { token: \"1:a/b\", chat_id: 5 } }", "1:31: notices.telegram.token: Expected a Telegram bot's token, such as 123456:ABC-DEF.")]
    [InlineData("notices: { telegram: { token: \"1:a\" } }", "1:22: notices.telegram: 'chat_id' is missing.")]
    [InlineData("notices: { telegram: { token: \"1:a\", chat_id: \"a b\" } }", "1:47: notices.telegram.chat_id: Expected a chat's number or @name.")]
    public void Read_Mistake_IsToldExactly(string section, string expected) =>
        Assert.Equal(expected, string.Join('|', SampleFleet.Read(section + "\n" + SampleFleet.Text).Problems));
}
