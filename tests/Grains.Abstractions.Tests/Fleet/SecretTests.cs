namespace CozeCluster.Grains.Abstractions.Tests;

public sealed class SecretTests
{
    private const string Sealed = "c2VhbGVkIGJ5dGVz";

    [Fact]
    public void A_secret_as_text_shows_nothing()
    {
        var secret = new Secret(Sealed);

        Assert.Equal("(secret)", secret.ToString());
        Assert.Equal("token (secret)", $"token {secret}");
    }

    [Fact]
    public void Records_that_contain_a_secret_do_not_show_it()
    {
        var secret = new Secret(Sealed);
        var account = new AccountDefinition
        {
            Id = "a", Upstream = "coze", BaseUrl = "http://x.test", Token = secret, Proxy = secret, OAuth = new OAuthDefinition("app", "key", secret, null),
        };
        var bot = new BotDefinition { Id = "b", Upstream = "coze", UpstreamBotId = "1", Accounts = ["a"] };
        object[] holders =
        [
            account, account.OAuth, new Lease("l", bot, account), new LeaseResult(new Lease("l", bot, account), null), new AccountLeaseResult(account, null),
            new Fleet("1", [], [account], [bot], []), new UpstreamTurn("t", bot, account, "u", []),
        ];

        Assert.All(holders, holder => Assert.DoesNotContain(Sealed, holder.ToString(), StringComparison.Ordinal));
        Assert.Contains("(secret)", account.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Seals_of_one_secret_are_equal_by_their_fingerprint()
    {
        var secret = new Secret("one seal") { Fingerprint = "f" };

        Assert.Equal(secret, new Secret("another seal") { Fingerprint = "f" });
        Assert.Equal(secret.GetHashCode(), new Secret("another seal") { Fingerprint = "f" }.GetHashCode());
        Assert.NotEqual(secret, new Secret("one seal") { Fingerprint = "g" });
        Assert.NotEqual(secret, new Secret("one seal"));
        Assert.NotEqual(new Secret("one seal"), new Secret("another seal"));
    }
}
