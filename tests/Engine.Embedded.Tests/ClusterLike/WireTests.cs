using System.Text.Json.Serialization;

namespace CozeCluster.Engine.Embedded.Tests;

public sealed partial class WireTests : EngineTest
{
    [Fact(Timeout = Hang)]
    public async Task Messages_are_copied_in_the_test_mode_and_passed_as_they_are_otherwise()
    {
        var note = new Note { Text = "sent" };
        var plain = await StartAsync(definitions: Definitions);
        Assert.Same(note, await plain.Grains.Get<INoteGrain>("k").Echo(note));

        var wired = await StartAsync(new() { Messages = NoteJson.Default }, definitions: Definitions);
        var back = await wired.Grains.Get<INoteGrain>("k").Echo(note);

        Assert.NotSame(note, back);
        Assert.Equal("sent", back.Text);
        Assert.Equal("sent", note.Text);
    }

    [Fact(Timeout = Hang)]
    public async Task A_message_that_cannot_be_written_is_found_before_anything_starts()
    {
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(new(), definitions: Definitions));

        Assert.Contains(nameof(INoteGrain.Echo), error.Message);
        Assert.Contains(nameof(Note), error.Message);
    }

    [Fact]
    public void Every_message_of_every_grain_and_observer_can_be_written()
    {
        var interfaces = typeof(IGrain).Assembly.GetExportedTypes()
            .Where(t => t.IsInterface && t != typeof(IGrain) && t != typeof(IObserver) && (t.IsAssignableTo(typeof(IGrain)) || t.IsAssignableTo(typeof(IObserver))))
            .ToList();
        Assert.NotEmpty(interfaces);

        foreach (var type in interfaces) new Wire(null).Verify(GrainKind.MethodsOf(type).Select(GrainMethod.Of));
    }

    private static readonly IReadOnlyList<GrainDefinition> Definitions = [GrainDefinition.Of<INoteGrain, NoteGrain>("test.note")];

    public sealed class Note
    {
        public string? Text { get; set; }
    }

    [JsonSerializable(typeof(Note))]
    public sealed partial class NoteJson : JsonSerializerContext;

    public interface INoteGrain : IGrain
    {
        Task<Note> Echo(Note note);
    }

    internal sealed class NoteGrain(IGrainContext context) : INoteGrain
    {
        public override string ToString() => context.Key;

        public Task<Note> Echo(Note note) => Task.FromResult(note);
    }
}
