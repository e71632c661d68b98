using System.Reflection;
using CozeCluster.Messages;
using CozeCluster.Upstreams.Discord;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Upstreams.Tests.Discord;

/// <summary>The engine does not bring calls home, as while a node that died is still being found out.</summary>
public sealed class UnreachableTests
{
    [Theory]
    [InlineData(nameof(ICatalogGrain.FindListener), ErrorCode.UpstreamUnavailable)]
    [InlineData(nameof(IChannelJanitorGrain.Create), ErrorCode.UpstreamUnavailable)]
    [InlineData(nameof(IDiscordSessionGrain.Watch), ErrorCode.UpstreamUnavailable)]
    [InlineData(nameof(IAccountGrain.Post), ErrorCode.UpstreamOutcomeUnknown)]
    public async Task Turn_is_worth_another_try_unless_it_was_being_posted(string method, ErrorCode code)
    {
        await using var house = await DiscordHouse.Start();
        await house.Health("l1");
        using var upstream = new DiscordUpstream(
            new Unreachable(house.Grains, method), house.Services.GetRequiredService<IDiscord>(), house.Services.GetRequiredService<IBlobStore>(), TimeProvider.System,
            NullLogger<DiscordUpstream>.Instance);
        var account = await house.Grains.Get<ICatalogGrain>(GrainKeys.Catalog).FindAccount("a1");
        var turn = new UpstreamTurn(TurnId.New(DiscordHouse.Tenant, null), DiscordHouse.Bot("b1"), account!, "", [new ChatMessage(ChatRole.User, [new TextContent("x")])]);

        var error = await Assert.ThrowsAsync<ClusterException>(async () => await upstream.Open(turn, TestContext.Current.CancellationToken));

        Assert.Equal(code, error.Code);
        Assert.Empty(house.Posts);
    }

    /// <summary>Grains of which one method cannot be reached.</summary>
    private sealed class Unreachable(IGrains inner, string method) : IGrains
    {
        public T Get<T>(string key) where T : class, IGrain => Wall<T>.Before(inner.Get<T>(key), method);

        public T GetNew<T>(string key) where T : class, IGrain => Wall<T>.Before(inner.GetNew<T>(key), method);

        public IObserverHandle<T> Observe<T>(T observer) where T : class, IObserver => inner.Observe(observer);
    }

    /// <summary>Public, as what a proxy derives from is not to be sealed.</summary>
    public class Wall<T> : DispatchProxy where T : class
    {
        private T _inner = null!;
        private string _method = "";

        public static T Before(T inner, string method)
        {
            var proxy = Create<T, Wall<T>>();
            var wall = (Wall<T>)(object)proxy;
            (wall._inner, wall._method) = (inner, method);
            return proxy;
        }

        protected override object? Invoke(MethodInfo? called, object?[]? args) =>
            called!.Name == _method ? throw new ClusterException(ErrorCode.EngineRejected, "away") : called.Invoke(_inner, args);
    }
}
