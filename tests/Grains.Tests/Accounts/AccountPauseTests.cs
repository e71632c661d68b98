using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Accounts;

/// <summary>No tenant can take an account away from another one with prompts that the upstream refuses.</summary>
public sealed class AccountPauseTests : GrainTest
{
    private static readonly Error Forbidden = new(ErrorCode.UpstreamForbidden, "The upstream does not allow this.");

    private IAccountGrain Account => Silo.Grains.GetGrain<IAccountGrain>("a1");

    [Theory]
    [InlineData(ErrorCode.UpstreamForbidden)]
    [InlineData(ErrorCode.UpstreamRateLimited)]
    public async Task Return_RefusalThatAPromptCanCause_PausesTheAccountForItsTenantOnly(ErrorCode code)
    {
        for (var i = 0; i < 10; i++)
        {
            await Run("t", new Error(code, "No."));
            await Run("t", new Error(code, "No."), isGranted: false);
            await Run("t2", null);
            Silo.Time.Advance(TimeSpan.FromMinutes(2));
        }
    }

    [Fact]
    public async Task Return_RefusalsOfTwoTenants_PauseTheAccountForAll()
    {
        await Run("t", Forbidden);
        await Run("t2", Forbidden);

        await Run("t3", null, isGranted: false);
        Silo.Time.Advance(TimeSpan.FromMinutes(2));
        await Run("t3", null);
    }

    [Theory]
    [InlineData(ErrorCode.UpstreamUnauthorized, false)]
    [InlineData(ErrorCode.UpstreamQuotaExceeded, false)]
    [InlineData(ErrorCode.UpstreamRateLimited, true)]
    public async Task Return_WhatTheUpstreamSaysOfTheAccount_PausesItForAllAtOnce(ErrorCode code, bool hasTime)
    {
        await Run("t", new Error(code, "No.", Until: hasTime ? Silo.Time.GetUtcNow().AddMinutes(1) : null));

        await Run("t2", null, isGranted: false);
    }

    [Fact]
    public async Task Return_NewCredential_EndsThePauseOfATenant()
    {
        await Run("t", Forbidden);
        var fleet = CreateFleet();
        await Catalog.Import(fleet with
        {
            Version = "2", Accounts = [fleet.Accounts[0] with { Token = new Secret("another") }, .. fleet.Accounts.Skip(1)],
        });

        await Run("t", null);
    }

    private async Task Run(string tenantId, Error? error, bool isGranted = true)
    {
        var lease = Guid.NewGuid().ToString("n");
        var result = await Account.AcquireWithin(new AccountLeaseRequest(lease, new Amounts(1, 0, 0)) { TenantId = tenantId });
        Assert.Equal(isGranted, result.Grant is not null);
        if (isGranted) await Account.Return(lease, error is null ? LeaseOutcome.Success : new LeaseOutcome(error));
    }
}
