using System.Net;
using CozeCluster.Gateway.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Tests.Surfaces.AiProxy;

public sealed class PassThroughTests
{
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Node_that_cannot_open_keys_answers_501()
    {
        await using var host = await Start(null);
        using var response = await host.Http.GetAsync("/old/v1/models");

        Assert.Equal(501, (int)response.StatusCode);
        Assert.Contains("gateway", (await response.ReadError()).GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Empty(host.Grains.Tenant.Admitted);
    }

    [Fact]
    public async Task Request_holds_its_admission_and_its_lease_until_it_has_ended()
    {
        var provider = new FakeProvider();
        await using var host = await Start(provider);
        var pending = host.Http.GetAsync("/old/v1/models", HttpCompletionOption.ResponseHeadersRead);
        await provider.Asked.Task.WaitAsync(Hang);
        host.Time.Advance(LeaseRequest.Lifetime / 3);
        await Until.True(() => host.Grains.Tenant.Renewed > 0);
        Assert.Empty(host.Grains.Tenant.Settled);

        provider.Body.Complete("{}");
        using var response = await pending.WaitAsync(Hang);

        Assert.Equal("{}", await response.Content.ReadAsStringAsync().WaitAsync(Hang));
        await Until.True(() => !host.Grains.Tenant.Settled.IsEmpty);
        Assert.Equal(host.Grains.Tenant.Admitted, host.Grains.Tenant.Settled);
        Assert.Null(Assert.Single(host.Grains.Account.Returned).Error);
        Assert.Equal("1", response.Headers.GetValues("x-auth-id").Single());
    }

    [Fact]
    public async Task Refusal_of_the_provider_does_not_disable_the_account()
    {
        var provider = new FakeProvider { Status = HttpStatusCode.Unauthorized };
        provider.Body.Complete("{}");
        await using var host = await Start(provider);
        using var response = await host.Http.GetAsync("/old/v1/models");

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        await Until.True(() => !host.Grains.Account.Returned.IsEmpty);
        var outcome = Assert.Single(host.Grains.Account.Returned);
        Assert.NotNull(outcome.Error);
        Assert.NotEqual(RecoveryAction.RotateAccount, outcome.Error.RecoveryAction);
    }

    [Fact]
    public async Task Refusals_of_tenant_and_account_are_errors_and_leave_nothing_behind()
    {
        await using var host = await Start(new FakeProvider());
        host.Grains.Account.Refusal = new Refusal("openai-1", new Error(ErrorCode.NoBotAvailable, "The account has reached its limit."), null);
        using (var response = await host.Http.GetAsync("/old/v1/models")) Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(host.Grains.Tenant.Admitted, host.Grains.Tenant.Settled);

        host.Grains.Tenant.Refusal = new Error(ErrorCode.RateLimited, "Too many turns.");
        using var refused = await host.Http.GetAsync("/old/v1/models");
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Single(host.Grains.Account.Acquired);
    }

    [Fact]
    public async Task Revoked_key_cuts_a_running_answer()
    {
        var provider = new FakeProvider();
        await using var host = await Start(provider);
        var pending = host.Http.GetAsync("/old/v1/models", HttpCompletionOption.ResponseHeadersRead);
        provider.Body.Write("data: x\n\n");
        using var response = await pending.WaitAsync(Hang);

        host.Grains.Fleet.Revoke("sk-test");

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => response.Content.ReadAsStringAsync().WaitAsync(Hang));
        await provider.Cancelled.Task.WaitAsync(Hang);
        await Until.True(() => !host.Grains.Tenant.Settled.IsEmpty);
    }

    [Fact]
    public async Task Provider_that_cannot_be_reached_is_an_error_of_the_upstream()
    {
        var provider = new FakeProvider { Fault = new ClusterException(ErrorCode.UpstreamUnavailable, "The openai server could not be reached.") };
        await using var host = await Start(provider);
        using var response = await host.Http.GetAsync("/old/v1/models");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("upstream_unavailable", (await response.ReadError()).GetProperty("code").GetString());
    }

    private static async Task<GatewayHost> Start(FakeProvider? provider)
    {
        var host = await GatewayHost.Start(addServices: services =>
        {
            if (provider is not null) services.AddSingleton<IPassThrough>(provider);
        });
        var options = new Dictionary<string, string> { ["openai_account"] = "openai-1", ["tenants"] = "acme" };
        host.Grains.Fleet.Endpoints = new FleetEndpoints(
            [new EndpointDefinition { Id = "old", Path = "/old", Compat = CompatMode.AiProxy, Options = options }], HasCompatKeys: false);
        return host;
    }
}
