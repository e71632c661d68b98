using CozeCluster.Engine.Contract;

namespace CozeCluster.Engine.Embedded.Tests;

public sealed class GrainMethodTests : EngineTest
{
    [Theory]
    [InlineData(nameof(IOdd.Synchronous), "not asynchronous")]
    [InlineData(nameof(IOdd.Generic), "generic")]
    [InlineData(nameof(IOdd.ByReference), "by reference")]
    [InlineData(nameof(IOdd.TwoTokens), "more than one")]
    public void Of_AMethodThatCannotCrossProcesses_Throws(string method, string why)
    {
        var error = Assert.Throws<ArgumentException>(() => GrainMethod.Of(typeof(IOdd).GetMethod(method)!));

        Assert.Contains(method, error.Message);
        Assert.Contains(why, error.Message);
    }

    [Fact(Timeout = Hang)]
    public async Task An_observer_itself_is_no_reference_to_it()
    {
        var engine = await StartAsync();

        Assert.Throws<ArgumentException>(() => { _ = engine.Grains.Get<IObservedGrain>("k").Keep(new Observer()); });
    }

    public interface IOdd
    {
        int Synchronous();

        Task Generic<T>(T value);

        Task ByReference(ref int value);

        Task TwoTokens(CancellationToken one, CancellationToken other);
    }

    private sealed class Observer : IContractObserver
    {
        public Task OnNumber(int number) => Task.CompletedTask;

        public ValueTask<string> Ask(string question) => new(question);
    }
}
