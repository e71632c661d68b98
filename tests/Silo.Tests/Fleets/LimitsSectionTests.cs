using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Tests.Fleets;

/// <summary>Limits of tenants and keys, rules of keys, and prices of models.</summary>
public sealed class LimitsSectionTests
{
    private const string Admin = "admin: true";
    private const string Turns = "max_concurrent_turns: 10";

    [Fact]
    public void Read_LimitsOfTenant_ReturnsEverything()
    {
        var tenant = Read(Turns, "limits: { requests_per_minute: 60, tokens_per_minute: 9000000000, daily: { requests: 0 }, "
            + "monthly: { tokens: 5, credits: 12.345678 } }\n    prepaid: true").Tenants[0];

        Assert.Equal(
            new LimitsDefinition
            {
                RequestsPerMinute = 60,
                TokensPerMinute = 9_000_000_000,
                Daily = new BudgetDefinition { Requests = 0 },
                Monthly = new BudgetDefinition { Tokens = 5, Credits = 12.345678m },
            },
            tenant.Limits);
        Assert.True(tenant.Prepaid);
    }

    [Fact]
    public void Read_RulesOfKey_ReturnsEverything()
    {
        var key = Read(Admin, """
            models: [coze-helper]
                    ip: [10.0.0.0/8, 192.0.2.7, "2001:db8::/32"]
                    expires: 2027-01-31
                    disabled: true
                    limits: { max_concurrent_turns: 3 }
            """).Tenants[0].Keys[1];

        Assert.Equal(["coze-helper"], key.Models);
        Assert.Equal(["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"], key.IpRanges);
        Assert.Equal(new DateTimeOffset(2027, 1, 31, 0, 0, 0, TimeSpan.Zero), key.ExpiresAt);
        Assert.True(key.Disabled);
        Assert.Equal(new LimitsDefinition { MaxConcurrentTurns = 3 }, key.Limits);
    }

    [Fact]
    public void Read_TimeWithOffset_IsConverted() => Assert.Equal(
        new DateTimeOffset(2027, 1, 31, 16, 30, 0, TimeSpan.Zero),
        Read(Admin, "expires: 2027-01-31T18:30:00+02:00").Tenants[0].Keys[1].ExpiresAt);

    [Fact]
    public void Read_PriceOfModel_ReturnsEverything() => Assert.Equal(
        new PriceDefinition { Input = 0.5m, Output = 2, CachedInput = 0.05m, Request = 0.000001m },
        Read("tenants: [acme]", "price: { input: 0.5, output: 2, cached_input: 0.05, request: 0.000001 }").Models[0].Price);

    [Theory]
    [InlineData(Turns, "limits: { max_concurrent_turns: 3 }",
        "10:15: tenants[0].limits.max_concurrent_turns: 'max_concurrent_turns' is not a known key. "
        + "Known keys: requests_per_minute, tokens_per_minute, daily, monthly.")]
    [InlineData(Turns, "limits: { daily: {} }", "10:22: tenants[0].limits.daily: Expected at least one of 'requests', 'tokens' and 'credits'.")]
    [InlineData(Turns, "limits: { requests_per_minute: 0 }",
        "10:36: tenants[0].limits.requests_per_minute: Expected a whole number from 1 to 1000000000.")]
    [InlineData(Turns, "limits: { daily: { tokens: -1 } }",
        "10:32: tenants[0].limits.daily.tokens: Expected a whole number from 0 to 1000000000000.")]
    [InlineData(Turns, "limits: { daily: { credits: 0.0000001 } }",
        "10:33: tenants[0].limits.daily.credits: Expected a number of credits from 0 to 1000000000, with at most 6 decimals.")]
    [InlineData(Admin, "models: [other]", "9:18: tenants[0].keys[1].models[0]: There is no model 'other'.")]
    [InlineData(Admin, "ip: [10.0.0.0/33]",
        "9:14: tenants[0].keys[1].ip[0]: Expected a range of addresses in CIDR notation, such as 10.0.0.0/8 or 2001:db8::/32, or a single address.")]
    [InlineData(Admin, "expires: tomorrow",
        "9:18: tenants[0].keys[1].expires: "
        + "Expected a date such as 2027-01-31, which is its first moment in UTC, or a time such as 2027-01-31T18:00:00Z.")]
    public void Read_Mistake_IsReported(string old, string mistake, string expected) =>
        Assert.Equal(expected, Assert.Single(SampleFleet.Read(SampleFleet.With(old, mistake)).Problems).ToString());

    private static FleetFile Read(string old, string @new)
    {
        var result = SampleFleet.Read(SampleFleet.With(old, @new));
        Assert.Empty(result.Problems);
        return result.File!;
    }
}
